/* Messages with a descriptor attached, over AF_UNIX SOCK_SEQPACKET; and the one way to close a descriptor. */
#ifndef CULVERT_FDPASS_H
#define CULVERT_FDPASS_H

#include "culvert_errno.h"

/* Never repeated: after EINTR the descriptor is gone already, and its number may be somebody else's. */
CULVERT_API int culvert_fdpass_close(int fd);

/* Ends both directions, so that whoever waits on fd wakes up. */
CULVERT_API int culvert_fdpass_shutdown(int fd);

/* Listens at path with the given file mode. A socket file there that nobody serves any more is replaced. */
CULVERT_API int culvert_fdpass_listen(const char *path, int backlog, uint32_t mode);

/* In all that follows a timeout below 0 waits for ever; -ETIMEDOUT when it passes. */
CULVERT_API int culvert_fdpass_accept(int fd, int timeout_ms);

CULVERT_API int culvert_fdpass_connect(const char *path);

/* Sends one message, with a copy of `passed` unless that is negative. Empty messages are refused: they read as the end. */
CULVERT_API int culvert_fdpass_send(int fd, const void *bytes, uint32_t length, int passed, int timeout_ms);

/*
 * Receives one message: its length, 0 when the peer is gone; *passed is the descriptor that came along, or -1.
 * -EMSGSIZE: longer than `capacity`. -EMFILE: a descriptor was lost on the way. -EPROTO: several came, or one without
 * a message. On any error every descriptor that arrived is closed.
 */
CULVERT_API int culvert_fdpass_receive(int fd, void *bytes, uint32_t capacity, int32_t *passed, int timeout_ms);

#endif
