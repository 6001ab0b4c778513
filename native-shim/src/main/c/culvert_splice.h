/* Bytes moved between sockets by way of a pipe, without passing through user space. */
#ifndef CULVERT_SPLICE_H
#define CULVERT_SPLICE_H

#include "culvert_errno.h"

#define CULVERT_SPLICE_MORE 1 /* more will follow at once: let the kernel gather */

struct culvert_splice_pipe {
    int32_t read_fd;  /* 0 */
    int32_t write_fd; /* 4 */
};

/* A non-blocking pipe of up to `bytes`, less where the kernel's limits say so. Returns its true capacity. */
CULVERT_API int culvert_splice_open(uint32_t bytes, struct culvert_splice_pipe *out);

/* Moves up to `bytes` (one side is a pipe): how many, 0 at the end of input, -EAGAIN when one side is not ready. */
CULVERT_API int64_t culvert_splice_move(int in, int out, uint32_t bytes, int flags);

#endif
