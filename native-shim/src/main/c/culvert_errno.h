/* What every file of the shim shares: the calling convention, the names of errors, and the names of the steps that can fail. */
#ifndef CULVERT_ERRNO_H
#define CULVERT_ERRNO_H

#include <errno.h>
#include <stdint.h>

#define CULVERT_API __attribute__((visibility("default")))

/* Raised whenever a signature or a struct that Java knows changes; Java refuses a library with another number. */
#define CULVERT_ABI 2

/* Asks again while a signal interrupts the call; leaves its value, or -errno. Never for close(). */
#define CULVERT_RETRY(result, call)                        \
    do {                                                   \
        do {                                               \
            (result) = (call);                             \
        } while ((result) < 0 && errno == EINTR);          \
        if ((result) < 0)                                  \
            (result) = -errno;                             \
    } while (0)

/* The steps of a socket's creation, so that an error can name its own. */
#define CULVERT_STEPS(X)                                   \
    X(ARGUMENT, "argument")                                \
    X(SETNS, "setns")                                      \
    X(SOCKET, "socket")                                    \
    X(MARK, "setsockopt(SO_MARK)")                         \
    X(NODELAY, "setsockopt(TCP_NODELAY)")                  \
    X(OOBINLINE, "setsockopt(SO_OOBINLINE)")               \
    X(KEEPALIVE, "setsockopt(SO_KEEPALIVE)")               \
    X(USER_TIMEOUT, "setsockopt(TCP_USER_TIMEOUT)")        \
    X(REUSE, "setsockopt(SO_REUSEPORT)")                   \
    X(V6ONLY, "setsockopt(IPV6_V6ONLY)")                   \
    X(TRANSPARENT, "setsockopt(IP_TRANSPARENT)")           \
    X(FREEBIND, "setsockopt(IP_FREEBIND)")                 \
    X(BIND, "bind")                                        \
    X(LISTEN, "listen")                                    \
    X(CONNECT, "connect")                                  \
    X(RCVBUF, "setsockopt(SO_RCVBUF)")

#define CULVERT_STEP_CONSTANT(name, text) CULVERT_STEP_##name,
enum culvert_step { CULVERT_STEPS(CULVERT_STEP_CONSTANT) CULVERT_STEP_COUNT };
#undef CULVERT_STEP_CONSTANT

/* CULVERT_ABI. Does nothing else, so it is also the measure of what a call costs. */
CULVERT_API int culvert_errno_abi(void);

/* This platform's number for an error's name ("EAGAIN"), or -ENOENT when the name is not known. */
CULVERT_API int culvert_errno_value(const char *name);

/* The call that a step stands for, or NULL past the last one. */
CULVERT_API const char *culvert_errno_step(int step);

#endif
