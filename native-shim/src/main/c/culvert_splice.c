#include "culvert_splice.h"
#include "culvert_fdpass.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

static int grow(int fd, int wanted)
{
    int rc, have;

    CULVERT_RETRY(have, fcntl(fd, F_GETPIPE_SZ));
    if (have < 0)
        return have;
    /* Past fs.pipe-max-size, or the user's share of pipe pages, the kernel says EPERM; less may still be granted. */
    for (int bytes = wanted; bytes > have; bytes /= 2) {
        CULVERT_RETRY(rc, fcntl(fd, F_SETPIPE_SZ, bytes));
        if (rc >= 0)
            return rc;
        if (rc != -EPERM && rc != -ENOMEM)
            return rc;
    }
    return have;
}

int culvert_splice_open(uint32_t bytes, struct culvert_splice_pipe *out)
{
    int rc, fds[2];

    if (bytes > INT_MAX / 2)
        return -EINVAL;
    CULVERT_RETRY(rc, pipe2(fds, O_NONBLOCK | O_CLOEXEC));
    if (rc < 0)
        return rc;
    rc = grow(fds[1], (int)bytes);
    if (rc < 0) {
        culvert_fdpass_close(fds[0]);
        culvert_fdpass_close(fds[1]);
        return rc;
    }
    out->read_fd = fds[0];
    out->write_fd = fds[1];
    return rc;
}

int64_t culvert_splice_move(int in, int out, uint32_t bytes, int flags)
{
    const unsigned int more = (flags & CULVERT_SPLICE_MORE) != 0 ? SPLICE_F_MORE : 0;
    ssize_t rc;

    CULVERT_RETRY(rc, splice(in, NULL, out, NULL, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK | more));
    return rc;
}
