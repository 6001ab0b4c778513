#ifndef CULVERT_CONNECTION_H
#define CULVERT_CONNECTION_H

#include "net.h"
#include "wire.h"

/* The most requests of the open loop that may wait on one connection; when it is full the next ones wait outside. */
#define CONNECTION_PENDING_MAX 4096U

enum culvert_connection_phase { PHASE_CLOSED, PHASE_CONNECTING, PHASE_WARMING, PHASE_READY, PHASE_RUNNING, PHASE_ENDING };

/* One client connection: bytes go out up to `due`, come in and are checked; what that means is the work's affair. */
struct culvert_connection {
    int fd;
    uint32_t index;
    uint32_t events;
    enum culvert_connection_phase phase;
    struct culvert_wire_header header;
    uint32_t header_sent;
    uint32_t trailer_bytes;
    unsigned char trailer[WIRE_TRAILER_BYTES];
    uint64_t due;           /* bytes of the pattern that may be sent */
    uint64_t sent;
    uint64_t received;
    uint64_t mismatches;
    uint64_t *pending;      /* a ring: when each unanswered request was meant to be sent */
    uint32_t pending_size;
    uint32_t pending_first;
    uint32_t pending_count;
    int shut;               /* we have sent our end of stream */
    int ended;              /* the other end has sent its */
};

/* Begins to connect; -1 with errno. The header must be set. */
int culvert_connection_begin(struct culvert_connection *c, int epoll, const struct culvert_net_address *to);

/* After EPOLLOUT on a connecting socket: 0, or -1 with errno. */
int culvert_connection_established(const struct culvert_connection *c);

/* Sends what is due and the end of stream once `phase` is ENDING; 0, or -1 with errno. */
int culvert_connection_send(struct culvert_connection *c);

/* Reads and checks what is there, at most one buffer full; 0, or -1 with errno. */
int culvert_connection_receive(struct culvert_connection *c);

/* Asks for the events that the connection needs next. */
void culvert_connection_watch(struct culvert_connection *c, int epoll);

void culvert_connection_close(struct culvert_connection *c);

/* One more message is due, meant to be sent at `intended`; -1 when the ring is full. */
int culvert_connection_request(struct culvert_connection *c, uint64_t intended);

/* Takes the oldest request whose answer has come whole: 1 and its intended time, or 0. */
int culvert_connection_answered(struct culvert_connection *c, uint64_t *intended);

#endif
