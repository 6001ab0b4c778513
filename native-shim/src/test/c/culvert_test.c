#include "culvert_socket.h"
int main(void) { return culvert_errno_abi() == CULVERT_ABI ? 0 : 1; }
