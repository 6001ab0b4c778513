#include "server.h"
#include "pattern.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define FILES_WANTED 16000U

/* One accepted connection. */
struct peer {
    int fd;
    uint32_t events;
    uint32_t header_bytes;
    unsigned char header_raw[WIRE_HEADER_BYTES];
    struct culvert_wire_header header;
    uint64_t received;
    uint64_t mismatches;
    uint64_t sent;
    int ended;
};

struct server {
    int epoll;
    int listener;
    uint64_t connections;
    uint64_t broken;
    uint64_t received;
    uint64_t mismatches;
};

static unsigned char buffer[PATTERN_RUN_MAX];
static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static void end(struct server *server, struct peer *peer, int broken)
{
    struct linger abort_close = {.l_onoff = 1, .l_linger = 0};

    if (broken) {
        server->broken++;
        /* The client must not take a broken stream for an orderly end. */
        (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &abort_close, sizeof(abort_close));
    }
    (void)close(peer->fd);
    free(peer);
}

static void check(struct server *server, struct peer *peer, const unsigned char *bytes, size_t length)
{
    uint32_t start = culvert_pattern_start(peer->header.connection, 0);

    if (!culvert_pattern_holds(start, peer->received, bytes, length)) {
        peer->mismatches++;
        server->mismatches++;
    }
    peer->received += length;
    server->received += length;
}

/* Takes what one read brought; -1 for a client that breaks the protocol. */
static int take(struct server *server, struct peer *peer, const unsigned char *bytes, size_t length)
{
    while (length > 0 && peer->header_bytes < WIRE_HEADER_BYTES) {
        peer->header_raw[peer->header_bytes++] = *bytes++;
        length--;
        if (peer->header_bytes == WIRE_HEADER_BYTES && culvert_wire_get_header(&peer->header, peer->header_raw) < 0)
            return -1;
    }
    if (length > 0)
        check(server, peer, bytes, length);
    return peer->mismatches > 0 && peer->header.kind == WIRE_EXCHANGE ? -1 : 0;
}

/* Reads until nothing is left; a sink is read once, so that no connection starves the others. -1: broken. */
static int receive(struct server *server, struct peer *peer)
{
    ssize_t n;

    do {
        n = read(peer->fd, buffer, sizeof(buffer));
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (n == 0) {
            peer->ended = 1;
            return 0;
        }
        if (take(server, peer, buffer, (size_t)n) < 0)
            return -1;
    } while (peer->header.kind != WIRE_SINK && (size_t)n == sizeof(buffer));
    return 0;
}

/* How many bytes of replies the client is owed in all. */
static uint64_t owed(const struct peer *peer)
{
    return peer->header.kind == WIRE_EXCHANGE ? peer->received - peer->received % peer->header.size : 0;
}

/* 1 when everything owed is sent, 0 when the socket is full, -1 when broken. */
static int reply(struct peer *peer)
{
    uint32_t start = culvert_pattern_start(peer->header.connection, 1);
    uint64_t left;
    ssize_t n;

    while ((left = owed(peer) - peer->sent) > 0) {
        size_t piece = left < PATTERN_RUN_MAX ? (size_t)left : PATTERN_RUN_MAX;

        n = send(peer->fd, culvert_pattern_at(start, peer->sent), piece, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        peer->sent += (uint64_t)n;
    }
    return 1;
}

/* Whether the connection has done what it was opened for; -1: it ended in the middle of a message. */
static int finished(const struct peer *peer)
{
    uint64_t last = peer->header.messages * peer->header.size;

    if (peer->header.kind == WIRE_EXCHANGE && last > 0 && peer->received >= last)
        return peer->received == last ? 1 : -1;
    if (!peer->ended)
        return 0;
    if (peer->header.kind == WIRE_EXCHANGE)
        return last == 0 && peer->received % peer->header.size == 0 ? 1 : -1;
    return peer->header.kind == WIRE_SINK ? 1 : -1;
}

/* The trailer is the first thing a sink sends, so the socket has room for it. */
static int send_trailer(const struct peer *peer)
{
    unsigned char trailer[WIRE_TRAILER_BYTES];

    culvert_wire_put_trailer(peer->received, peer->mismatches, trailer);
    return send(peer->fd, trailer, sizeof(trailer), MSG_NOSIGNAL) == WIRE_TRAILER_BYTES ? 0 : -1;
}

static void serve(struct server *server, struct peer *peer, uint32_t events)
{
    uint32_t wanted = EPOLLIN;
    int drained, done;

    if (((events & ~(uint32_t)EPOLLOUT) != 0 && !peer->ended && receive(server, peer) < 0) || (drained = reply(peer)) < 0) {
        end(server, peer, 1);
        return;
    }
    done = finished(peer);
    if (done < 0 || (done > 0 && drained && peer->header.kind == WIRE_SINK && send_trailer(peer) < 0)) {
        end(server, peer, 1);
        return;
    }
    if (done > 0 && drained) {
        end(server, peer, 0);
        return;
    }
    /* An ended stream stays readable: only the room for the replies matters then. */
    wanted = (peer->ended ? 0 : (uint32_t)EPOLLIN) | (drained ? 0 : (uint32_t)EPOLLOUT);
    if (wanted != peer->events && culvert_net_watch(server->epoll, EPOLL_CTL_MOD, peer->fd, wanted, peer) == 0)
        peer->events = wanted;
}

static void accept_all(struct server *server)
{
    struct peer *peer;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        peer = calloc(1, sizeof(*peer));
        if (peer == NULL || culvert_net_watch(server->epoll, EPOLL_CTL_ADD, fd, EPOLLIN, peer) < 0) {
            free(peer);
            (void)close(fd);
            server->broken++;
            continue;
        }
        peer->fd = fd;
        peer->events = EPOLLIN;
        server->connections++;
    }
}

static void loop(struct server *server, uint64_t deadline)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now;
    int i, n;

    while (!stopped && (now = culvert_net_now()) < deadline) {
        uint64_t left_millis = (deadline - now) / 1000000 + 1;

        n = epoll_wait(server->epoll, events, EVENTS_MAX, left_millis > 1000 ? 1000 : (int)left_millis);
        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(server);
            else
                serve(server, events[i].data.ptr, events[i].events);
        }
    }
}

int culvert_server_run(const struct culvert_net_address *address, uint32_t seconds)
{
    struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct sigaction action = {.sa_handler = stop};

    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    if (culvert_net_allow_files(FILES_WANTED) < 0)
        fprintf(stderr, "culvert-load: the limit of open files stays as it is: %s\n", strerror(errno));
    server.listener = culvert_net_listen(address);
    if (server.epoll < 0 || server.listener < 0
        || culvert_net_watch(server.epoll, EPOLL_CTL_ADD, server.listener, EPOLLIN, NULL) < 0) {
        fprintf(stderr, "culvert-load: cannot listen: %s\n", strerror(errno));
        return 2;
    }
    fprintf(stderr, "culvert-load: listening\n");
    loop(&server, culvert_net_now() + (uint64_t)seconds * 1000000000U);
    printf("{\"work\":\"server\",\"connections\":%" PRIu64 ",\"broken\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"mismatched\":%" PRIu64 ",\"cpu_seconds\":%.3f}\n",
           server.connections, server.broken, server.received, server.mismatches, (double)culvert_net_cpu() / 1e9);
    return server.mismatches > 0 ? 1 : 0;
}
