#include "client.h"
#include "connection.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256

/* A run that fails this often has nothing more to say. */
#define FAILED_MAX 1000U

/* A signal that comes just before the wait is seen so late at most. */
#define WAIT_NANOS_MAX 200000000U

/* By a signal: the work ends as it does when its time is over. */
static volatile sig_atomic_t told_to_end;

struct run {
    const struct culvert_client_plan *plan;
    struct culvert_client_result *result;
    struct culvert_connection *connections;
    uint64_t *pending;
    int epoll;
    int going;              /* every connection is up: the work has begun */
    int over;               /* no new work is begun */
    uint32_t ready;
    uint32_t open;
    uint64_t begun;         /* operations */
    uint64_t began_at;
    uint64_t went_at;
    uint64_t end_at;        /* when no new work is begun any more */
    uint64_t last_at;       /* the last confirmation */
    uint64_t now;
    int last_error;
};

static void tell_to_end(int signal_number)
{
    (void)signal_number;
    told_to_end = 1;
}

static int limit_reached(const struct run *run)
{
    return run->over || (run->plan->count > 0 && run->begun >= run->plan->count);
}

static void request(struct run *run, struct culvert_connection *c, uint64_t intended)
{
    run->begun++;
    (void)culvert_connection_request(c, intended);
}

static void finish(struct culvert_connection *c)
{
    c->phase = PHASE_ENDING;
}

/* Closes a connection; when it did not end well, every request on it has failed. */
static void drop(struct run *run, struct culvert_connection *c, int well)
{
    if (!well)
        run->result->failed += c->pending_count > 1 ? c->pending_count : 1;
    run->result->mismatched += c->mismatches;
    culvert_connection_close(c);
    run->open--;
}

static void begin(struct run *run, struct culvert_connection *c)
{
    if (culvert_connection_begin(c, run->epoll, &run->plan->to) < 0) {
        run->last_error = errno;
        run->result->failed++;
        return;
    }
    run->open++;
}

/* --- what each work does when all connections are up, and after an answer --- */

static uint64_t share(const struct run *run, uint32_t index)
{
    uint64_t count = run->plan->count;

    if (count == 0)
        return UINT64_MAX / 2;
    return count / run->plan->connections + (index < count % run->plan->connections);
}

static void go(struct run *run, struct culvert_connection *c)
{
    c->phase = PHASE_RUNNING;
    switch (run->plan->work) {
    case CLIENT_BULK:
        c->due = share(run, c->index);
        if (run->plan->count > 0)
            finish(c);
        break;
    case CLIENT_PING:
        if (limit_reached(run))
            finish(c);
        else
            request(run, c, run->now);
        break;
    case CLIENT_CONNECT:
    case CLIENT_OPEN:
    case CLIENT_IDLE:
        break;
    }
}

static void answered(struct run *run, struct culvert_connection *c, uint64_t intended)
{
    run->last_at = run->now;
    run->result->operations++;
    run->result->bytes += c->header.size;
    culvert_histogram_add(&run->result->latency, run->now > intended ? run->now - intended : 0);
    if (run->plan->work == CLIENT_PING && !limit_reached(run))
        request(run, c, run->now);
    else if (run->plan->work != CLIENT_OPEN || (run->over && c->pending_count == 0))
        finish(c);
}

static void become_ready(struct run *run, struct culvert_connection *c)
{
    c->phase = PHASE_READY;
    run->ready++;
}

static void start_all(struct run *run)
{
    uint32_t i;

    run->going = 1;
    run->went_at = run->last_at = run->now;
    run->end_at = run->went_at + run->plan->nanos;
    run->result->setup_nanos = run->now - run->began_at;
    if (run->plan->work == CLIENT_IDLE)
        fprintf(stderr, "culvert-load: holding %u connections\n", run->ready);
    for (i = 0; i < run->plan->connections; i++) {
        struct culvert_connection *c = &run->connections[i];

        if (c->phase != PHASE_READY)
            continue;
        go(run, c);
        if (culvert_connection_send(c) < 0)
            drop(run, c, 0);
        else
            culvert_connection_watch(c, run->epoll);
    }
}

/* --- one connection's events --- */

/* A work that keeps its connections open exchanges once on each before the clock starts: a tunnel may be set up lazily. */
static void established(struct run *run, struct culvert_connection *c)
{
    switch (run->plan->work) {
    case CLIENT_BULK:
        become_ready(run, c);
        break;
    case CLIENT_CONNECT:
        c->phase = PHASE_RUNNING;
        break;
    case CLIENT_PING:
    case CLIENT_OPEN:
    case CLIENT_IDLE:
        c->phase = PHASE_WARMING;
        c->due = c->header.size;
        break;
    }
}

static void take_answers(struct run *run, struct culvert_connection *c)
{
    uint64_t intended;

    if (c->phase == PHASE_WARMING) {
        if (c->received == c->header.size)
            become_ready(run, c);
        return;
    }
    /* A connection that is made for one exchange has done its work only when it is closed. */
    while (run->plan->work != CLIENT_CONNECT && culvert_connection_answered(c, &intended))
        answered(run, c, intended);
}

static int ended_well(const struct run *run, const struct culvert_connection *c)
{
    if (run->plan->work == CLIENT_BULK)
        return c->shut && c->trailer_bytes == WIRE_TRAILER_BYTES;
    if (run->plan->work == CLIENT_CONNECT)
        return c->received == c->header.size;
    return c->shut && c->received == c->due;
}

static void take_end(struct run *run, struct culvert_connection *c)
{
    uint64_t intended, mismatches = 0, bytes = 0;
    int well = ended_well(run, c);

    if (well && run->plan->work == CLIENT_BULK) {
        culvert_wire_get_trailer(&bytes, &mismatches, c->trailer);
        well = bytes == c->sent;
        run->result->bytes += bytes;
        run->result->mismatched += mismatches;
        run->result->operations++;
        run->last_at = run->now;
    } else if (well && run->plan->work == CLIENT_CONNECT && culvert_connection_answered(c, &intended)) {
        answered(run, c, intended);
    }
    if (!well)
        run->last_error = ECONNABORTED;
    drop(run, c, well);
}

static void serve(struct run *run, struct culvert_connection *c, uint32_t events)
{
    if (c->phase == PHASE_CONNECTING && culvert_connection_established(c) < 0)
        goto broken;
    if (c->phase == PHASE_CONNECTING)
        established(run, c);
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && culvert_connection_receive(c) < 0)
        goto broken;
    if (c->ended) {
        take_end(run, c);
        return;
    }
    take_answers(run, c);
    if (culvert_connection_send(c) < 0)
        goto broken;
    culvert_connection_watch(c, run->epoll);
    return;
broken:
    run->last_error = errno;
    drop(run, c, 0);
}

/* --- the clock --- */

/* Connect work: every free slot is used again until the limit. */
static void refill(struct run *run)
{
    uint32_t i;

    for (i = 0; i < run->plan->connections && !limit_reached(run) && run->result->failed < FAILED_MAX; i++) {
        struct culvert_connection *c = &run->connections[i];

        if (c->phase != PHASE_CLOSED)
            continue;
        begin(run, c);
        if (c->phase != PHASE_CLOSED)
            request(run, c, run->now);
    }
}

static uint64_t due_at(const struct run *run, uint64_t number)
{
    return run->went_at + (uint64_t)((__uint128_t)number * 1000000000U / run->plan->rate);
}

/* Whether the next request of the open loop is meant for the time before `time`, and for this run. */
static int meant_before(const struct run *run, uint64_t time)
{
    return due_at(run, run->begun) < (time < run->end_at ? time : run->end_at);
}

/* Open loop: sends whatever is due by now, each request at its own time even when this process was late. */
static void issue(struct run *run)
{
    while (!limit_reached(run) && meant_before(run, run->now + 1)) {
        struct culvert_connection *c = &run->connections[run->begun % run->plan->connections];

        if (c->phase != PHASE_RUNNING) {
            run->begun++;
            run->result->failed++;
            continue;
        }
        if (c->pending_count == c->pending_size)
            return;
        request(run, c, due_at(run, run->begun));
        if (culvert_connection_send(c) < 0)
            drop(run, c, 0);
        else
            culvert_connection_watch(c, run->epoll);
    }
}

static void end_work(struct run *run)
{
    uint32_t i;

    run->over = 1;
    /* What should have been sent by now and found no room has failed. */
    for (; run->plan->work == CLIENT_OPEN && run->plan->count == 0 && meant_before(run, UINT64_MAX); run->begun++)
        run->result->failed++;
    for (i = 0; i < run->plan->connections; i++) {
        struct culvert_connection *c = &run->connections[i];

        if (c->phase != PHASE_RUNNING)
            continue;
        if (run->plan->work == CLIENT_BULK)
            c->due = c->sent;
        if (run->plan->work == CLIENT_IDLE)
            request(run, c, run->now);
        else if (run->plan->work == CLIENT_BULK || (run->plan->work == CLIENT_OPEN && c->pending_count == 0))
            finish(c);
        if (culvert_connection_send(c) < 0)
            drop(run, c, 0);
        else
            culvert_connection_watch(c, run->epoll);
    }
}

static void tick(struct run *run)
{
    const struct culvert_client_plan *plan = run->plan;

    if (!run->going && run->ready == plan->connections)
        start_all(run);
    if (!run->going)
        return;
    if (plan->work == CLIENT_OPEN)
        issue(run);
    if (told_to_end && run->now < run->end_at)
        run->end_at = run->now;
    if (!run->over && (run->now >= run->end_at || (plan->work == CLIENT_OPEN && limit_reached(run))))
        end_work(run);
    if (plan->work == CLIENT_CONNECT)
        refill(run);
}

static int has_room(const struct run *run)
{
    const struct culvert_connection *c = &run->connections[run->begun % run->plan->connections];

    return c->pending_count < c->pending_size;
}

static uint64_t next_at(const struct run *run, uint64_t give_up_at)
{
    uint64_t next = give_up_at;

    if (run->going && !run->over && run->end_at < next)
        next = run->end_at;
    if (run->going && run->plan->work == CLIENT_OPEN && !limit_reached(run) && has_room(run) && due_at(run, run->begun) < next)
        next = due_at(run, run->begun);
    return next;
}

static int wait_for(struct run *run, struct epoll_event *events, uint64_t until)
{
    uint64_t left = until > run->now ? until - run->now : 0;
    struct timespec timeout;
    int n;

    left = left < WAIT_NANOS_MAX ? left : WAIT_NANOS_MAX;
    timeout = (struct timespec){.tv_sec = (time_t)(left / 1000000000U), .tv_nsec = (long)(left % 1000000000U)};
    n = epoll_pwait2(run->epoll, events, EVENTS_MAX, &timeout, NULL);
    run->now = culvert_net_now();
    return n;
}

static uint64_t give_up_at(const struct run *run)
{
    return run->going ? run->end_at + run->plan->drain_nanos : run->began_at + run->plan->setup_nanos;
}

static void loop(struct run *run)
{
    struct epoll_event events[EVENTS_MAX];
    int i, n;

    while (run->open > 0 && run->result->failed < FAILED_MAX && run->now < give_up_at(run)) {
        n = wait_for(run, events, next_at(run, give_up_at(run)));
        for (i = 0; i < n; i++) {
            serve(run, events[i].data.ptr, events[i].events);
            run->now = culvert_net_now();
        }
        if (!run->going && run->ready + run->result->failed >= run->plan->connections && run->result->failed > 0)
            break;
        tick(run);
    }
}

/* --- a run from beginning to end --- */

static void lay_out(struct run *run)
{
    const struct culvert_client_plan *plan = run->plan;
    uint32_t ring = plan->work == CLIENT_OPEN ? CONNECTION_PENDING_MAX : 1;
    uint32_t i;

    for (i = 0; i < plan->connections; i++) {
        struct culvert_connection *c = &run->connections[i];

        c->index = i;
        c->pending = run->pending + (size_t)i * ring;
        c->pending_size = ring;
        c->header.kind = plan->work == CLIENT_BULK ? WIRE_SINK : WIRE_EXCHANGE;
        c->header.connection = i;
        c->header.size = plan->size;
        c->header.messages = plan->work == CLIENT_CONNECT ? 1 : 0;
    }
}

static void execute(struct run *run)
{
    uint32_t i;

    lay_out(run);
    run->began_at = run->now = run->last_at = culvert_net_now();
    if (run->plan->work == CLIENT_CONNECT) {
        run->going = 1;
        run->went_at = run->now;
        run->end_at = run->went_at + run->plan->nanos;
        refill(run);
    } else {
        for (i = 0; i < run->plan->connections; i++)
            begin(run, &run->connections[i]);
    }
    loop(run);
    for (i = 0; i < run->plan->connections; i++) {
        if (run->connections[i].phase == PHASE_CLOSED)
            continue;
        run->last_error = run->last_error ? run->last_error : ETIMEDOUT;
        drop(run, &run->connections[i], 0);
    }
    run->result->run_nanos = run->going ? run->last_at - run->went_at : 0;
    if (run->result->failed > 0)
        fprintf(stderr, "culvert-load: %" PRIu64 " failed, last: %s\n", run->result->failed, strerror(run->last_error));
}

int culvert_client_run(const struct culvert_client_plan *plan, struct culvert_client_result *result)
{
    struct run run = {.plan = plan, .result = result};
    struct sigaction action = {.sa_handler = tell_to_end};
    size_t ring = plan->work == CLIENT_OPEN ? CONNECTION_PENDING_MAX : 1;
    int rc = -1;

    (void)sigaction(SIGTERM, &action, NULL);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.connections = calloc(plan->connections, sizeof(*run.connections));
    run.pending = calloc(plan->connections * ring, sizeof(*run.pending));
    if (run.epoll >= 0 && run.connections != NULL && run.pending != NULL && culvert_net_allow_files(plan->connections) == 0) {
        execute(&run);
        rc = 0;
    }
    free(run.pending);
    free(run.connections);
    if (run.epoll >= 0)
        (void)close(run.epoll);
    return rc;
}
