#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096

static uint64_t nanos_of(clockid_t clock)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

uint64_t culvert_net_now(void)
{
    return nanos_of(CLOCK_MONOTONIC);
}

uint64_t culvert_net_cpu(void)
{
    return nanos_of(CLOCK_PROCESS_CPUTIME_ID);
}

int culvert_net_parse(const char *text, uint16_t port, struct culvert_net_address *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address->length = sizeof(*v4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address->length = sizeof(*v6);
        return 0;
    }
    return -1;
}

int culvert_net_allow_files(uint32_t descriptors)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)descriptors + 32;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    if (limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_socket(const struct culvert_net_address *address)
{
    int one = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static int close_failed(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
    return -1;
}

int culvert_net_listen(const struct culvert_net_address *address)
{
    int one = 1;
    int fd = open_socket(address);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address->storage, address->length) < 0 || listen(fd, BACKLOG) < 0)
        return close_failed(fd);
    return fd;
}

int culvert_net_connect(const struct culvert_net_address *address)
{
    int fd = open_socket(address);

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0 && errno != EINPROGRESS)
        return close_failed(fd);
    return fd;
}

int culvert_net_watch(int epoll, int operation, int fd, uint32_t events, void *owner)
{
    struct epoll_event event = {.events = events, .data = {.ptr = owner}};

    return epoll_ctl(epoll, operation, fd, &event);
}
