#ifndef CULVERT_NET_H
#define CULVERT_NET_H

#include <stdint.h>
#include <sys/socket.h>

struct culvert_net_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* Monotonic nanoseconds. */
uint64_t culvert_net_now(void);

/* CPU this process has used, in nanoseconds. */
uint64_t culvert_net_cpu(void);

/* 0, or -1 unless `text` is an IPv4 or IPv6 literal. */
int culvert_net_parse(const char *text, uint16_t port, struct culvert_net_address *address);

/* Raises the limit of open files to what `descriptors` need; -1 with errno if that is not allowed. */
int culvert_net_allow_files(uint32_t descriptors);

/* A non-blocking listener, or -1 with errno. An IPv6 wildcard takes IPv4 too. */
int culvert_net_listen(const struct culvert_net_address *address);

/* A non-blocking socket whose connect has begun, or -1 with errno. */
int culvert_net_connect(const struct culvert_net_address *address);

/* Adds (EPOLL_CTL_ADD) or changes (EPOLL_CTL_MOD) a descriptor; -1 with errno. */
int culvert_net_watch(int epoll, int operation, int fd, uint32_t events, void *owner);

#endif
