#include "connection.h"
#include "pattern.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A receiver that keeps up must not hold the sender on one connection. */
#define SEND_TURNS_MAX 16

static unsigned char buffer[PATTERN_RUN_MAX];

int culvert_connection_begin(struct culvert_connection *c, int epoll, const struct culvert_net_address *to)
{
    c->header_sent = c->trailer_bytes = 0;
    c->due = c->sent = c->received = c->mismatches = 0;
    c->pending_first = c->pending_count = 0;
    c->shut = c->ended = 0;
    c->fd = culvert_net_connect(to);
    if (c->fd < 0)
        return -1;
    c->events = EPOLLOUT;
    c->phase = PHASE_CONNECTING;
    if (culvert_net_watch(epoll, EPOLL_CTL_ADD, c->fd, c->events, c) < 0) {
        culvert_connection_close(c);
        return -1;
    }
    return 0;
}

int culvert_connection_established(const struct culvert_connection *c)
{
    int error = 0;
    socklen_t length = sizeof(error);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

/* 1: all of it is out, 0: the socket is full, -1: errno. */
static int send_some(int fd, const unsigned char *from, size_t length, int flags, uint64_t *sent)
{
    ssize_t n = send(fd, from, length, MSG_NOSIGNAL | flags);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    *sent += (uint64_t)n;
    return (size_t)n == length;
}

static int send_header(struct culvert_connection *c)
{
    unsigned char raw[WIRE_HEADER_BYTES];
    uint64_t sent = 0;
    int rc;

    culvert_wire_put_header(&c->header, raw);
    /* With MSG_MORE the first message leaves in the header's packet. */
    rc = send_some(c->fd, raw + c->header_sent, WIRE_HEADER_BYTES - c->header_sent, c->due > 0 ? MSG_MORE : 0, &sent);
    c->header_sent += (uint32_t)sent;
    return rc;
}

static int send_pattern(struct culvert_connection *c)
{
    uint32_t start = culvert_pattern_start(c->header.connection, 0);
    int turns = SEND_TURNS_MAX;
    int rc = 1;

    while (rc > 0 && c->sent < c->due && turns-- > 0) {
        uint64_t left = c->due - c->sent;
        size_t piece = left < PATTERN_RUN_MAX ? (size_t)left : PATTERN_RUN_MAX;

        rc = send_some(c->fd, culvert_pattern_at(start, c->sent), piece, 0, &c->sent);
    }
    return rc;
}

int culvert_connection_send(struct culvert_connection *c)
{
    int rc = c->header_sent < WIRE_HEADER_BYTES ? send_header(c) : 1;

    if (rc > 0)
        rc = send_pattern(c);
    if (rc > 0 && c->sent == c->due && c->phase == PHASE_ENDING && !c->shut) {
        c->shut = 1;
        rc = shutdown(c->fd, SHUT_WR);
    }
    return rc < 0 ? -1 : 0;
}

static int take_trailer(struct culvert_connection *c, const unsigned char *bytes, size_t length)
{
    if (c->trailer_bytes + length > WIRE_TRAILER_BYTES) {
        errno = EPROTO;
        return -1;
    }
    memcpy(c->trailer + c->trailer_bytes, bytes, length);
    c->trailer_bytes += (uint32_t)length;
    return 0;
}

static int take_answer(struct culvert_connection *c, const unsigned char *bytes, size_t length)
{
    uint32_t start = culvert_pattern_start(c->header.connection, 1);

    if (!culvert_pattern_holds(start, c->received, bytes, length))
        c->mismatches++;
    c->received += length;
    if (c->received > c->sent) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}

int culvert_connection_receive(struct culvert_connection *c)
{
    ssize_t n = read(c->fd, buffer, sizeof(buffer));

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) {
        c->ended = 1;
        return 0;
    }
    return c->header.kind == WIRE_SINK ? take_trailer(c, buffer, (size_t)n) : take_answer(c, buffer, (size_t)n);
}

void culvert_connection_watch(struct culvert_connection *c, int epoll)
{
    int more = c->header_sent < WIRE_HEADER_BYTES || c->sent < c->due || (c->phase == PHASE_ENDING && !c->shut);
    uint32_t wanted = c->phase == PHASE_CONNECTING ? (uint32_t)EPOLLOUT : EPOLLIN | (more ? (uint32_t)EPOLLOUT : 0);

    if (wanted != c->events && culvert_net_watch(epoll, EPOLL_CTL_MOD, c->fd, wanted, c) == 0)
        c->events = wanted;
}

void culvert_connection_close(struct culvert_connection *c)
{
    if (c->phase != PHASE_CLOSED)
        (void)close(c->fd);
    c->phase = PHASE_CLOSED;
}

int culvert_connection_request(struct culvert_connection *c, uint64_t intended)
{
    if (c->pending_count == c->pending_size)
        return -1;
    c->pending[(c->pending_first + c->pending_count) % c->pending_size] = intended;
    c->pending_count++;
    c->due += c->header.size;
    return 0;
}

int culvert_connection_answered(struct culvert_connection *c, uint64_t *intended)
{
    uint64_t answered = c->due / c->header.size - c->pending_count;

    if (c->pending_count == 0 || c->received < (answered + 1) * c->header.size)
        return 0;
    *intended = c->pending[c->pending_first];
    c->pending_first = (c->pending_first + 1) % c->pending_size;
    c->pending_count--;
    return 1;
}
