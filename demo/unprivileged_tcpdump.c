/*
 * Preloaded into tcpdump where its user namespace has a single user. As root tcpdump wants to become a user of its own, and
 * there is none to become; told that it is not root, it stays who it is, with the capabilities that it has.
 */
#include <unistd.h>

uid_t getuid(void);
uid_t geteuid(void);

uid_t getuid(void)
{
    return 1;
}

uid_t geteuid(void)
{
    return 1;
}
