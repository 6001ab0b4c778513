#include "culvert_fdpass.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 253 /* SCM_MAX_FD: the most that one message can carry */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

int culvert_fdpass_close(int fd)
{
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

int culvert_fdpass_shutdown(int fd)
{
    int rc;

    CULVERT_RETRY(rc, shutdown(fd, SHUT_RDWR));
    return rc;
}

static int unix_address(const char *path, struct sockaddr_un *out)
{
    const size_t length = strlen(path);

    if (length == 0)
        return -EINVAL;
    if (length >= sizeof out->sun_path)
        return -ENAMETOOLONG;
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path, length);
    return 0;
}

static int unix_socket(void)
{
    int fd;

    CULVERT_RETRY(fd, socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return fd;
}

int culvert_fdpass_connect(const char *path)
{
    struct sockaddr_un at;
    int rc, fd;

    if ((rc = unix_address(path, &at)) < 0)
        return rc;
    if ((fd = unix_socket()) < 0)
        return fd;
    CULVERT_RETRY(rc, connect(fd, (const struct sockaddr *)&at, sizeof at));
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

/* Removes the socket file of a server that is gone; anything else found there keeps its place. */
static int remove_stale(const char *path)
{
    struct stat st;
    int rc, fd = culvert_fdpass_connect(path);

    if (fd >= 0)
        culvert_fdpass_close(fd);
    if (fd >= 0 || fd == -EAGAIN || fd == -EPROTOTYPE)
        return -EADDRINUSE;
    if (fd != -ECONNREFUSED)
        return fd;
    CULVERT_RETRY(rc, lstat(path, &st));
    if (rc < 0)
        return rc;
    if (!S_ISSOCK(st.st_mode))
        return -EADDRINUSE;
    CULVERT_RETRY(rc, unlink(path));
    return rc;
}

static int bind_path(int fd, const char *path, const struct sockaddr_un *at)
{
    int rc;

    CULVERT_RETRY(rc, bind(fd, (const struct sockaddr *)at, sizeof *at));
    if (rc != -EADDRINUSE)
        return rc;
    if ((rc = remove_stale(path)) < 0)
        return rc;
    CULVERT_RETRY(rc, bind(fd, (const struct sockaddr *)at, sizeof *at));
    return rc;
}

int culvert_fdpass_listen(const char *path, int backlog, uint32_t mode)
{
    struct sockaddr_un at;
    int rc, fd;

    if ((rc = unix_address(path, &at)) < 0)
        return rc;
    if ((fd = unix_socket()) < 0)
        return fd;
    /* bind() gives the file the socket's own mode, so the path is never open wider, not even for a moment. */
    CULVERT_RETRY(rc, fchmod(fd, mode & 0777));
    if (rc >= 0)
        rc = bind_path(fd, path, &at);
    if (rc >= 0)
        CULVERT_RETRY(rc, listen(fd, backlog));
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

static int now_ms(int64_t *out)
{
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
        return -errno;
    *out = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    return 0;
}

/* The moment a timeout ends at; -1 for never. */
static int deadline_of(int timeout_ms, int64_t *out)
{
    int rc;

    if (timeout_ms < 0) {
        *out = -1;
        return 0;
    }
    rc = now_ms(out);
    *out += timeout_ms;
    return rc;
}

static int wait_until(int fd, short events, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };

    for (;;) {
        int64_t now = 0, left = -1;
        int rc;

        if (deadline >= 0) {
            if ((rc = now_ms(&now)) < 0)
                return rc;
            left = deadline - now < 0 ? 0 : deadline - now;
        }
        rc = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (rc > 0)
            return p.revents;
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (rc == 0 && left <= INT_MAX)
            return -ETIMEDOUT;
    }
}

int culvert_fdpass_accept(int fd, int timeout_ms)
{
    int64_t deadline = -1;
    int rc = deadline_of(timeout_ms, &deadline);

    while (rc >= 0) {
        CULVERT_RETRY(rc, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (rc != -EAGAIN)
            return rc;
        rc = wait_until(fd, POLLIN, deadline);
        /* A listener that was shut down answers EAGAIN for ever: only poll tells. */
        if (rc >= 0 && (rc & (POLLHUP | POLLERR | POLLNVAL)))
            return -EINVAL;
    }
    return rc;
}

static void attach(struct msghdr *message, union control *control, int fd)
{
    struct cmsghdr *c;

    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof fd);
    c = CMSG_FIRSTHDR(message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

int culvert_fdpass_send(int fd, const void *bytes, uint32_t length, int passed, int timeout_ms)
{
    struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    union control control;
    int64_t deadline = -1;
    ssize_t sent;
    int rc = deadline_of(timeout_ms, &deadline);

    if (length == 0 || length > INT_MAX)
        return -EINVAL;
    if (passed >= 0)
        attach(&message, &control, passed);
    while (rc >= 0) {
        CULVERT_RETRY(sent, sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
        if (sent != -EAGAIN)
            return (int)sent;
        rc = wait_until(fd, POLLOUT, deadline);
    }
    return rc;
}

static size_t collect(struct msghdr *message, int fds[FDS_MAX])
{
    size_t count = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) && count < FDS_MAX; i++)
            memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    return count;
}

static int judge(int flags, ssize_t length, size_t fds)
{
    if ((flags & MSG_TRUNC) != 0)
        return -EMSGSIZE;
    /* There is room for all that a message can carry, so descriptors are lost only when this process may open no more. */
    if ((flags & MSG_CTRUNC) != 0)
        return -EMFILE;
    return fds > 1 || (fds == 1 && length == 0) ? -EPROTO : (int)length;
}

static int receive_now(int fd, void *bytes, uint32_t capacity, int32_t *passed)
{
    struct iovec part = { .iov_base = bytes, .iov_len = capacity };
    union control control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    int fds[FDS_MAX], verdict;
    ssize_t length;
    size_t count;

    CULVERT_RETRY(length, recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
    if (length < 0)
        return (int)length;
    count = collect(&message, fds);
    verdict = judge(message.msg_flags, length, count);
    if (verdict < 0)
        while (count > 0)
            culvert_fdpass_close(fds[--count]);
    if (count == 1)
        *passed = fds[0];
    return verdict;
}

int culvert_fdpass_receive(int fd, void *bytes, uint32_t capacity, int32_t *passed, int timeout_ms)
{
    int64_t deadline = -1;
    int rc = deadline_of(timeout_ms, &deadline);

    *passed = -1;
    if (capacity > INT_MAX)
        return -EINVAL;
    while (rc >= 0) {
        rc = receive_now(fd, bytes, capacity, passed);
        if (rc != -EAGAIN)
            return rc;
        rc = wait_until(fd, POLLIN, deadline);
    }
    return rc;
}
