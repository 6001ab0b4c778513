#include "wire.h"

#include <endian.h>
#include <string.h>

#define MAGIC 0x43564c44U

static void put32(unsigned char *to, uint32_t value)
{
    value = htobe32(value);
    memcpy(to, &value, sizeof(value));
}

static void put64(unsigned char *to, uint64_t value)
{
    value = htobe64(value);
    memcpy(to, &value, sizeof(value));
}

static uint32_t get32(const unsigned char *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof(value));
    return be32toh(value);
}

static uint64_t get64(const unsigned char *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof(value));
    return be64toh(value);
}

void culvert_wire_put_header(const struct culvert_wire_header *header, unsigned char *to)
{
    put32(to, MAGIC);
    put32(to + 4, header->kind);
    put32(to + 8, header->connection);
    put32(to + 12, header->size);
    put64(to + 16, header->messages);
}

int culvert_wire_get_header(struct culvert_wire_header *header, const unsigned char *from)
{
    header->kind = get32(from + 4);
    header->connection = get32(from + 8);
    header->size = get32(from + 12);
    header->messages = get64(from + 16);
    if (get32(from) != MAGIC || (header->kind != WIRE_SINK && header->kind != WIRE_EXCHANGE))
        return -1;
    if (header->kind == WIRE_EXCHANGE && (header->size == 0 || header->size > WIRE_SIZE_MAX))
        return -1;
    return 0;
}

void culvert_wire_put_trailer(uint64_t bytes, uint64_t mismatches, unsigned char *to)
{
    put64(to, bytes);
    put64(to + 8, mismatches);
}

void culvert_wire_get_trailer(uint64_t *bytes, uint64_t *mismatches, const unsigned char *from)
{
    *bytes = get64(from);
    *mismatches = get64(from + 8);
}
