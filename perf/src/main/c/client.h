#ifndef CULVERT_CLIENT_H
#define CULVERT_CLIENT_H

#include "histogram.h"
#include "net.h"

enum culvert_client_work { CLIENT_BULK, CLIENT_PING, CLIENT_CONNECT, CLIENT_OPEN, CLIENT_IDLE };

/* What to do, every field within the bounds that main.c checks. */
struct culvert_client_plan {
    struct culvert_net_address to;
    enum culvert_client_work work;
    uint32_t connections;
    uint32_t size;          /* of a message; bulk has none */
    uint32_t rate;          /* requests per second over all connections: the open loop only */
    uint64_t nanos;         /* how long new work is begun */
    uint64_t count;         /* operations (bytes for bulk) after which none is begun; 0: no such limit */
    uint64_t setup_nanos;   /* how long all connections may take to come up */
    uint64_t drain_nanos;   /* how long the last answers may take */
};

struct culvert_client_result {
    struct culvert_histogram latency;
    uint64_t operations;
    uint64_t bytes;         /* that the other end has confirmed, one direction */
    uint64_t failed;        /* connections or operations that did not come to their orderly end */
    uint64_t mismatched;    /* pieces that were not the pattern, at either end */
    uint64_t setup_nanos;   /* until every connection was up and had exchanged once */
    uint64_t run_nanos;     /* from the start of the work to its last confirmation */
};

/* 0, or -1 with errno if the work could not begin; what fails later is counted in the result. SIGTERM ends it as its time does. */
int culvert_client_run(const struct culvert_client_plan *plan, struct culvert_client_result *result);

#endif
