#include "pattern.h"

#include <string.h>

static unsigned char table[PATTERN_PERIOD + PATTERN_RUN_MAX];

void culvert_pattern_init(void)
{
    uint64_t state = 0x9e3779b97f4a7c15U;
    uint32_t i;

    for (i = 0; i < PATTERN_PERIOD; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        table[i] = (unsigned char)(state >> 32);
    }
    memcpy(table + PATTERN_PERIOD, table, PATTERN_RUN_MAX);
}

uint32_t culvert_pattern_start(uint32_t connection, int reply)
{
    uint64_t spread = (uint64_t)connection * 7919U + (reply ? PATTERN_PERIOD / 2 : 0);

    return (uint32_t)(spread % PATTERN_PERIOD);
}

const unsigned char *culvert_pattern_at(uint32_t start, uint64_t offset)
{
    return table + (start + offset) % PATTERN_PERIOD;
}

int culvert_pattern_holds(uint32_t start, uint64_t offset, const unsigned char *bytes, size_t length)
{
    return memcmp(culvert_pattern_at(start, offset), bytes, length) == 0;
}
