/* TCP and UDP sockets made inside a pod's network namespace, each in one call. */
#ifndef CULVERT_SOCKET_H
#define CULVERT_SOCKET_H

#include "culvert_errno.h"

#include <stddef.h>

#define CULVERT_SOCKET_NODELAY 1u
#define CULVERT_SOCKET_REUSEPORT 2u
#define CULVERT_SOCKET_TRANSPARENT 4u          /* try IP_TRANSPARENT */
#define CULVERT_SOCKET_TRANSPARENT_REQUIRED 8u /* and fail without it */

#define CULVERT_SOCKET_CONNECTED (INT64_C(1) << 32)

/*
 * What to make. Java fills it at these offsets. Addresses are 128 bits, most significant first, IPv4 as ::ffff:a.b.c.d.
 * A mark, user timeout or keepalive idle time of 0 leaves that option alone.
 */
struct culvert_socket_request {
    uint64_t high;           /*  0 listen, bind: where; connect: to where */
    uint64_t low;            /*  8 */
    uint64_t source_high;    /* 16 connect: bind to this address first; all zero: do not */
    uint64_t source_low;     /* 24 */
    int32_t home_fd;         /* 32 the namespace to come back to */
    int32_t pod_fd;          /* 36 the namespace to make the socket in; -1: here */
    uint32_t port;           /* 40 */
    uint32_t mark;           /* 44 */
    uint32_t keep_idle;      /* 48 seconds */
    uint32_t keep_interval;  /* 52 seconds */
    uint32_t keep_probes;    /* 56 */
    uint32_t user_timeout;   /* 60 milliseconds */
    uint32_t flags;          /* 64 CULVERT_SOCKET_* */
    int32_t backlog;         /* 68 */
    int32_t step;            /* 72 out: on failure, the enum culvert_step that failed */
    uint32_t unused;         /* 76 */
};
_Static_assert(sizeof(struct culvert_socket_request) == 80, "Java knows this layout");
_Static_assert(offsetof(struct culvert_socket_request, home_fd) == 32, "Java knows this layout");
_Static_assert(offsetof(struct culvert_socket_request, flags) == 64, "Java knows this layout");
_Static_assert(offsetof(struct culvert_socket_request, step) == 72, "Java knows this layout");

struct culvert_socket_address {
    uint64_t high; /*  0 */
    uint64_t low;  /*  8 */
    uint32_t port; /* 16 */
    uint32_t unused;
};

/* A non-blocking socket in the request's namespace, of which only that and the step are used. */
int culvert_socket_make(struct culvert_socket_request *request, int family, int type, int protocol);

/* A listening TCP socket. The wildcard :: serves both families, or IPv4 alone where there is no IPv6. */
CULVERT_API int culvert_socket_listen(struct culvert_socket_request *request);

/* A bound UDP socket, with the same wildcard. */
CULVERT_API int culvert_socket_datagram(struct culvert_socket_request *request);

/* A TCP socket on its way: its fd, with CULVERT_SOCKET_CONNECTED added when it has arrived already. */
CULVERT_API int64_t culvert_socket_connect(struct culvert_socket_request *request);

/* Sets mark, TCP_NODELAY, keepalive and user timeout as the request says. */
CULVERT_API int culvert_socket_tune(int fd, struct culvert_socket_request *request);

CULVERT_API int culvert_socket_mark(int fd, uint32_t mark);

/* The pending error (SO_ERROR) as a positive number, 0 for none; -errno when it cannot be asked. */
CULVERT_API int culvert_socket_error(int fd);

#define CULVERT_SOCKET_IS_TRANSPARENT 1
#define CULVERT_SOCKET_IS_V6 2
#define CULVERT_SOCKET_IS_DUAL_STACK 4

CULVERT_API int culvert_socket_traits(int fd);

#define CULVERT_SOCKET_FROM_NAT 1
#define CULVERT_SOCKET_FROM_LOCAL 0

/* Where the peer meant to go, from connection tracking, else the socket's own address. */
CULVERT_API int culvert_socket_original(int fd, struct culvert_socket_address *out);

/* The socket's own address. */
CULVERT_API int culvert_socket_local(int fd, struct culvert_socket_address *out);

/* May this process mark packets, and bind to foreign addresses? 0 or -errno. */
CULVERT_API int culvert_socket_probe_mark(uint32_t mark);
CULVERT_API int culvert_socket_probe_transparent(void);

#endif
