#ifndef CULVERT_PATTERN_H
#define CULVERT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * What every stream carries: one table of pseudo-random bytes, read in a circle from a starting point that differs
 * between streams. A prime period is no multiple of any frame or buffer size, so lost, repeated, swapped or foreign
 * bytes all show, and both checking and sending need no copy.
 */
#define PATTERN_PERIOD 262139U

/* The longest piece that is contiguous from any position. */
#define PATTERN_RUN_MAX 131072U

void culvert_pattern_init(void);

/* Where a connection's stream starts: different for all connections of a run, and for the two directions. */
uint32_t culvert_pattern_start(uint32_t connection, int reply);

/* The bytes from `offset` on in the stream that starts at `start`; at least PATTERN_RUN_MAX of them. */
const unsigned char *culvert_pattern_at(uint32_t start, uint64_t offset);

/* Whether `length` (at most PATTERN_RUN_MAX) received bytes are what the stream has at `offset`. */
int culvert_pattern_holds(uint32_t start, uint64_t offset, const unsigned char *bytes, size_t length);

#endif
