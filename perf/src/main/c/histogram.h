#ifndef CULVERT_HISTOGRAM_H
#define CULVERT_HISTOGRAM_H

#include <stdint.h>

/* Each power of two is cut into 128 buckets: a reported value is at most 0.8 % above the true one. */
#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/* Nanoseconds, any value; exact maximum and sum. */
struct culvert_histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

void culvert_histogram_add(struct culvert_histogram *h, uint64_t value);

/* The smallest bucket limit that at least `per_million` of the values do not pass; 0 when there are none. */
uint64_t culvert_histogram_quantile(const struct culvert_histogram *h, uint32_t per_million);

#endif
