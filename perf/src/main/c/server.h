#ifndef CULVERT_SERVER_H
#define CULVERT_SERVER_H

#include "net.h"

/* Serves until SIGTERM, SIGINT or `seconds`; prints one JSON line; the exit code (0, or 1 after a mismatch, 2). */
int culvert_server_run(const struct culvert_net_address *address, uint32_t seconds);

#endif
