#include "histogram.h"

static uint32_t bucket_of(uint64_t value)
{
    uint32_t shift;

    if (value < (1U << HISTOGRAM_SUB_BITS))
        return (uint32_t)value;
    shift = 63U - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (shift << HISTOGRAM_SUB_BITS) + (uint32_t)(value >> shift);
}

/* The largest value that falls into a bucket. */
static uint64_t limit_of(uint32_t bucket)
{
    uint32_t shift;
    uint64_t mantissa;

    if (bucket < (2U << HISTOGRAM_SUB_BITS))
        return bucket;
    shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    mantissa = bucket - (shift << HISTOGRAM_SUB_BITS);
    return ((mantissa + 1) << shift) - 1;
}

void culvert_histogram_add(struct culvert_histogram *h, uint64_t value)
{
    h->counts[bucket_of(value)]++;
    h->count++;
    h->sum += value;
    if (value > h->max)
        h->max = value;
}

uint64_t culvert_histogram_quantile(const struct culvert_histogram *h, uint32_t per_million)
{
    uint64_t wanted = (h->count * per_million + 999999) / 1000000;
    uint64_t seen = 0;
    uint32_t i;

    if (h->count == 0)
        return 0;
    for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += h->counts[i];
        if (seen >= wanted && seen > 0)
            break;
    }
    return limit_of(i) < h->max ? limit_of(i) : h->max;
}
