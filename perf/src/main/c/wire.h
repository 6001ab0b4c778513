#ifndef CULVERT_WIRE_H
#define CULVERT_WIRE_H

#include <stdint.h>

/*
 * How a client tells the server what a connection carries; big endian.
 *
 *   offset size field
 *   0      4    magic "CVLD"
 *   4      4    kind: 1 sink, 2 exchange
 *   8      4    connection: the index that the pattern starts from
 *   12     4    message size in bytes (exchange)
 *   16     8    messages after which the server closes (exchange), 0: when the client has shut down
 *
 * Then the client's pattern. A sink answers the client's shutdown with a trailer and closes; an exchange answers each
 * whole message with one of the same size from the reply pattern.
 *
 *   trailer: 0 8 bytes received, 8 8 pieces that were not the pattern
 */
#define WIRE_HEADER_BYTES 24
#define WIRE_TRAILER_BYTES 16
#define WIRE_SIZE_MAX (1U << 20)

enum culvert_wire_kind { WIRE_SINK = 1, WIRE_EXCHANGE = 2 };

struct culvert_wire_header {
    uint32_t kind;
    uint32_t connection;
    uint32_t size;
    uint64_t messages;
};

void culvert_wire_put_header(const struct culvert_wire_header *header, unsigned char *to);

/* 0, or -1 for what no client sends. */
int culvert_wire_get_header(struct culvert_wire_header *header, const unsigned char *from);

void culvert_wire_put_trailer(uint64_t bytes, uint64_t mismatches, unsigned char *to);
void culvert_wire_get_trailer(uint64_t *bytes, uint64_t *mismatches, const unsigned char *from);

#endif
