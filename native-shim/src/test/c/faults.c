#include "faults.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

static struct {
    int armed, nth, error, seen, option, fired_option;
    const char *name, *fired;
} plan = { .fired = "" };

void fault_arm(int nth, int error)
{
    memset(&plan, 0, sizeof plan);
    plan.fired = "";
    plan.armed = 1;
    plan.nth = nth;
    plan.error = error;
    plan.option = -1;
}

void fault_arm_call(const char *name, int option, int error)
{
    fault_arm(0, error);
    plan.name = name;
    plan.option = option;
}

int fault_disarm(void)
{
    plan.armed = 0;
    return plan.seen;
}

const char *fault_fired(void)
{
    return plan.fired;
}

int fault_fired_option(void)
{
    return plan.fired_option;
}

static int fails(const char *name, int option)
{
    int hit;

    if (!plan.armed)
        return 0;
    plan.seen++;
    hit = plan.name != NULL ? *plan.fired == 0 && strcmp(name, plan.name) == 0
                                  && (plan.option < 0 || plan.option == option)
                            : plan.seen == plan.nth;
    if (!hit)
        return 0;
    plan.fired = name;
    plan.fired_option = option;
    errno = plan.error;
    return 1;
}

#define WRAP(type, name, option, parameters, arguments)    \
    type __real_##name parameters;                         \
    type __wrap_##name parameters;                         \
    type __wrap_##name parameters                          \
    {                                                      \
        if (fails(#name, option))                          \
            return -1;                                     \
        return __real_##name arguments;                    \
    }

WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, setsockopt, name, (int fd, int level, int name, const void *v, socklen_t n), (fd, level, name, v, n))
WRAP(int, getsockopt, name, (int fd, int level, int name, void *v, socklen_t *n), (fd, level, name, v, n))
WRAP(int, getsockname, -1, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(int, bind, -1, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, -1, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, accept4, -1, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags))
WRAP(int, setns, -1, (int fd, int type), (fd, type))
WRAP(int, pipe2, -1, (int *fds, int flags), (fds, flags))
WRAP(ssize_t, splice, -1, (int in, off_t *io, int out, off_t *oo, size_t n, unsigned int f), (in, io, out, oo, n, f))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(int, poll, -1, (struct pollfd *p, nfds_t n, int timeout), (p, n, timeout))
WRAP(int, fstat, -1, (int fd, struct stat *st), (fd, st))
WRAP(int, lstat, -1, (const char *path, struct stat *st), (path, st))
WRAP(int, fstatfs, -1, (int fd, struct statfs *fs), (fd, fs))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(int, unlink, -1, (const char *path), (path))
WRAP(int, shutdown, -1, (int fd, int how), (fd, how))
WRAP(int, clock_gettime, -1, (clockid_t clock, struct timespec *t), (clock, t))

/* These take a variable argument, which is an int wherever the shim passes one. */
#define WRAP_VARIADIC(name, type, parameter)               \
    int __real_##name(type parameter, ...);                \
    int __wrap_##name(type parameter, int command, ...);   \
    int __wrap_##name(type parameter, int command, ...)    \
    {                                                      \
        va_list rest;                                      \
        int argument;                                      \
                                                           \
        va_start(rest, command);                           \
        argument = va_arg(rest, int);                      \
        va_end(rest);                                      \
        if (fails(#name, command))                         \
            return -1;                                     \
        return __real_##name(parameter, command, argument); \
    }

WRAP_VARIADIC(open, const char *, path)
WRAP_VARIADIC(fcntl, int, fd)

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    void *argument;
    va_list rest;

    va_start(rest, request);
    argument = va_arg(rest, void *);
    va_end(rest);
    return fails("ioctl", -1) ? -1 : __real_ioctl(fd, request, argument);
}

/* As in the kernel, the descriptor is gone even when close() reports an error. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    const int failing = fails("close", -1), error = errno, rc = __real_close(fd);

    if (failing)
        errno = error;
    return failing ? -1 : rc;
}
