/* Fails the Nth kernel call of every function, for every N, until the function runs clean. */
#include "culvert_fdpass.h"
#include "culvert_netns.h"
#include "culvert_splice.h"
#include "culvert_tls.h"
#include "culvert_watch.h"
#include "faults.h"
#include "lab.h"

#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What stands before the call: made without faults, the same for each trial. */
static struct {
    uint32_t port4, port6;
    int listener4, listener6, client, server, seq_listener, seq_client, seq_server, pipe_read, pipe_write, watch_tables,
        watch_routes;
} set;

/* What a trial made, to be closed after it was judged. */
static int made[4], made_count;

static int64_t keep(int64_t result)
{
    if (result >= 0)
        made[made_count++] = (int)result;
    return result;
}

static struct culvert_netns_id id;

static int64_t netns_open(void)
{
    return keep(culvert_netns_open("/proc/self/ns/net", &id));
}

static int64_t netns_current(void)
{
    return keep(culvert_netns_current(&id));
}

static int64_t netns_adopt(void)
{
    return keep(culvert_netns_adopt(dup(lab_pod_fd), &id));
}

static int64_t netns_visit(void)
{
    return culvert_netns_visit(lab_home_fd, lab_pod_fd);
}

static int64_t listen_best_effort(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);

    r.flags = CULVERT_SOCKET_REUSEPORT | CULVERT_SOCKET_TRANSPARENT;
    return keep(culvert_socket_listen(&r));
}

static int64_t listen_required(void)
{
    struct culvert_socket_request r = lab_request(0, V4(127, 0, 0, 1), 0);

    r.flags = CULVERT_SOCKET_TRANSPARENT | CULVERT_SOCKET_TRANSPARENT_REQUIRED;
    return keep(culvert_socket_listen(&r));
}

static int64_t datagram(void)
{
    struct culvert_socket_request r = lab_request(0, 1, 0);

    return keep(culvert_socket_datagram(&r));
}

static int64_t connect4(void)
{
    struct culvert_socket_request r = lab_request(0, V4(127, 0, 0, 1), set.port4);

    r.source_low = V4(127, 0, 0, 9);
    return keep(culvert_socket_connect(&r));
}

static int64_t connect6(void)
{
    struct culvert_socket_request r = lab_request(0, 1, set.port6);

    r.source_low = 1;
    return keep(culvert_socket_connect(&r));
}

static int64_t tune(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);

    return culvert_socket_tune(set.server, &r);
}

static int64_t mark(void)
{
    return culvert_socket_mark(set.server, MARK);
}

static int64_t pending_error(void)
{
    return culvert_socket_error(set.client);
}

static int64_t traits(void)
{
    return culvert_socket_traits(set.listener6);
}

static int64_t original(void)
{
    struct culvert_socket_address at;

    return culvert_socket_original(set.server, &at);
}

static int64_t local(void)
{
    struct culvert_socket_address at;

    return culvert_socket_local(set.server, &at);
}

static int64_t probe_mark(void)
{
    return culvert_socket_probe_mark(MARK);
}

static int64_t probe_transparent(void)
{
    return culvert_socket_probe_transparent();
}

static int64_t splice_open(void)
{
    struct culvert_splice_pipe p = { -1, -1 };
    const int rc = culvert_splice_open(1 << 17, &p);

    if (rc >= 0) {
        keep(p.read_fd);
        keep(p.write_fd);
    }
    return rc;
}

static int64_t splice_move(void)
{
    return culvert_splice_move(set.server, set.pipe_write, 4, 0);
}

static int64_t tls_send(void)
{
    return culvert_tls_send(set.client, 23, "x", 1);
}

static int64_t tls_send_ahead(void)
{
    return culvert_tls_send_ahead(set.client, "x", 1);
}

static int64_t tls_receive(void)
{
    char in[4];

    /* Without kernel TLS a type is missing, which is found after the call. */
    const int64_t rc = culvert_tls_receive(set.server, in, sizeof in);

    return rc == -EPROTO ? 0 : rc;
}

static int64_t tls_unsent(void)
{
    return culvert_tls_unsent(set.client);
}

static int64_t tls_probe(void)
{
    const int rc = culvert_tls_probe(CULVERT_TLS_AES_128_GCM);

    return rc == -ENOENT ? 0 : rc;
}

static int64_t fdpass_listen_stale(void)
{
    return keep(culvert_fdpass_listen(lab_path("stale"), 4, 0600));
}

static int64_t fdpass_connect(void)
{
    return keep(culvert_fdpass_connect(lab_path("seq")));
}

static int64_t fdpass_accept(void)
{
    return keep(culvert_fdpass_accept(set.seq_listener, 1000));
}

static int64_t fdpass_accept_late(void)
{
    const int rc = culvert_fdpass_accept(set.seq_listener, 1);

    return rc == -ETIMEDOUT ? 0 : rc;
}

static int64_t fdpass_send(void)
{
    return culvert_fdpass_send(set.seq_client, "add", 3, lab_pod_fd, 1000);
}

static int64_t fdpass_receive(void)
{
    char in[16];
    int32_t fd = -1;
    const int rc = culvert_fdpass_receive(set.seq_server, in, sizeof in, &fd, 1000);

    if (fd >= 0)
        keep(fd);
    return rc;
}

static int64_t fdpass_shutdown(void)
{
    return culvert_fdpass_shutdown(set.seq_client);
}

static int64_t fdpass_close(void)
{
    return culvert_fdpass_close(dup(0));
}

enum { TOLERATES_NOTHING = 0, TOLERATES_POLL = 1, TOLERATES_CLOSE = 2, TOLERATES_TRANSPARENT = 4, TOLERATES_GROW = 8,
       TOLERATES_REKEY = 16 };
static int64_t watch_open(int kind)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);

    return keep(culvert_watch_open(&r, kind));
}

static int64_t watch_open_tables(void)
{
    return watch_open(CULVERT_WATCH_NFTABLES);
}

static int64_t watch_open_routes(void)
{
    return watch_open(CULVERT_WATCH_ROUTES);
}

static int64_t watch_open_legacy(void)
{
    return watch_open(CULVERT_WATCH_XTABLES);
}

static int64_t watch_drain(void)
{
    return culvert_watch_drain(set.watch_routes, 100);
}

static int64_t watch_digest(void)
{
    return culvert_watch_digest(set.watch_tables, 63);
}


static const struct scenario {
    const char *name;
    int64_t (*run)(void);
    int tolerates;
} scenarios[] = {
    { "netns_open", netns_open, 0 },
    { "netns_current", netns_current, 0 },
    { "netns_adopt", netns_adopt, 0 },
    { "netns_visit", netns_visit, 0 },
    { "listen_best_effort", listen_best_effort, TOLERATES_TRANSPARENT },
    { "listen_required", listen_required, 0 },
    { "datagram", datagram, 0 },
    { "connect4", connect4, TOLERATES_POLL },
    { "connect6", connect6, TOLERATES_POLL },
    { "tune", tune, 0 },
    { "mark", mark, 0 },
    { "error", pending_error, 0 },
    { "traits", traits, 0 },
    { "original", original, 0 },
    { "local", local, 0 },
    { "probe_mark", probe_mark, TOLERATES_CLOSE },
    { "probe_transparent", probe_transparent, TOLERATES_CLOSE },
    { "splice_open", splice_open, TOLERATES_GROW },
    { "splice_move", splice_move, 0 },
    { "tls_send", tls_send, 0 },
    { "tls_send_ahead", tls_send_ahead, 0 },
    { "tls_receive", tls_receive, 0 },
    { "tls_unsent", tls_unsent, 0 },
    { "tls_probe", tls_probe, TOLERATES_CLOSE | TOLERATES_REKEY },
    { "fdpass_listen_stale", fdpass_listen_stale, TOLERATES_CLOSE },
    { "fdpass_connect", fdpass_connect, 0 },
    { "fdpass_accept", fdpass_accept, 0 },
    { "fdpass_accept_late", fdpass_accept_late, 0 },
    { "fdpass_send", fdpass_send, 0 },
    { "fdpass_receive", fdpass_receive, 0 },
    { "fdpass_shutdown", fdpass_shutdown, 0 },
    { "fdpass_close", fdpass_close, 0 },
    { "watch_open_tables", watch_open_tables, 0 },
    { "watch_open_routes", watch_open_routes, 0 },
    { "watch_open_legacy", watch_open_legacy, 0 },
    { "watch_drain", watch_drain, 0 },
    { "watch_digest", watch_digest, 0 },
};

/* Seen by the parent after the child is gone. */
struct report {
    char fired[32];
    int checks, failures;
};

static void prepare(void)
{
    struct culvert_socket_request l4 = lab_request(0, V4(127, 0, 0, 1), 0), l6 = lab_request(0, 0, 0), c;
    struct culvert_splice_pipe p = { -1, -1 };

    set.listener4 = culvert_socket_listen(&l4);
    set.listener6 = culvert_socket_listen(&l6);
    set.port4 = lab_port(set.listener4);
    set.port6 = lab_port(set.listener6);
    c = lab_request(0, V4(127, 0, 0, 1), set.port4);
    set.client = (int)culvert_socket_connect(&c);
    set.server = accept4(set.listener4, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK_EQ(4, send(set.client, "data", 4, MSG_NOSIGNAL));
    culvert_splice_open(1 << 16, &p);
    set.pipe_read = p.read_fd;
    set.pipe_write = p.write_fd;
    set.seq_listener = culvert_fdpass_listen(lab_path("seq"), 8, 0600);
    set.seq_client = culvert_fdpass_connect(lab_path("seq"));
    set.seq_server = culvert_fdpass_accept(set.seq_listener, 1000);
    CHECK_EQ(4, culvert_fdpass_send(set.seq_client, "keep", 4, lab_pod_fd, 1000));
    culvert_fdpass_close(culvert_fdpass_listen(lab_path("stale"), 4, 0600));
    set.watch_tables = culvert_watch_open(&l6, CULVERT_WATCH_XTABLES);
    set.watch_routes = culvert_watch_open(&l6, CULVERT_WATCH_ROUTES);
}

static int tolerated(const struct scenario *s, int error)
{
    const char *call = fault_fired();
    const int option = fault_fired_option();

    if (strcmp(call, "poll") == 0)
        return s->tolerates & TOLERATES_POLL;
    if (strcmp(call, "close") == 0)
        return s->tolerates & TOLERATES_CLOSE;
    if (strcmp(call, "setsockopt") == 0 && (option == IP_TRANSPARENT || option == IPV6_TRANSPARENT))
        return s->tolerates & TOLERATES_TRANSPARENT;
    if (strcmp(call, "fcntl") == 0 && option == F_SETPIPE_SZ && (error == EPERM || error == ENOMEM))
        return s->tolerates & TOLERATES_GROW;
    /* Keys given a second time may be refused: that is the answer then. */
    if (strcmp(call, "setsockopt") == 0 && option == TLS_TX)
        return s->tolerates & TOLERATES_REKEY;
    return strcmp(call, "setsockopt") == 0 && option == IP_BIND_ADDRESS_NO_PORT;
}

static void judge(const struct scenario *s, int nth, int error, int64_t result)
{
    const int fired = *fault_fired() != 0;
    /* A signal may interrupt any call but this one. */
    const int must_succeed = !fired || (error == EINTR && strcmp(fault_fired(), "clock_gettime") != 0);
    const int right = must_succeed ? result >= 0 : result == -error || (tolerated(s, error) && result >= 0);

    lab_checks++;
    if (right)
        return;
    lab_failures++;
    fprintf(stderr, "%s: call %d (%s, option %d) failing with errno %d gave %lld\n", s->name, nth, fault_fired(),
            fault_fired_option(), error, (long long)result);
}

/* One trial, in a process of its own: what a function does when it cannot come home is to end the process. */
static void trial(const struct scenario *s, int nth, int error, struct report *report)
{
    const struct rlimit no_core = { 0, 0 };
    int before;
    int64_t result;

    setrlimit(RLIMIT_CORE, &no_core);
    if (s->run == fdpass_accept)
        keep(culvert_fdpass_connect(lab_path("seq")));
    before = lab_fd_count() - made_count;
    fault_arm(nth, error);
    result = s->run();
    fault_disarm();
    snprintf(report->fired, sizeof report->fired, "%s", fault_fired());
    judge(s, nth, error, result);
    while (made_count > 0)
        close(made[--made_count]);
    CHECK_EQ(before, lab_fd_count());
    CHECK_EQ(lab_inode(lab_home_fd), lab_netns());
    report->checks = lab_checks;
    report->failures = lab_failures;
    _exit(0);
}

/* Whether the Nth call exists. */
static int try_nth(const struct scenario *s, int nth, int error, struct report *report)
{
    int status;
    pid_t child;

    memset(report, 0, sizeof *report);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        lab_checks = lab_failures = 0;
        prepare();
        trial(s, nth, error, report);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    unlink(lab_path("seq"));
    unlink(lab_path("stale"));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        return -1;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    lab_checks += report->checks;
    lab_failures += report->failures;
    return *report->fired != 0;
}

static void sweep(const struct scenario *s, int error, struct report *report)
{
    int nth, outcome, aborts = 0;
    const int visits_pod = strncmp(s->name, "listen", 6) == 0 || strncmp(s->name, "connect", 7) == 0
                           || strcmp(s->name, "datagram") == 0 || strcmp(s->name, "netns_visit") == 0
                           || strncmp(s->name, "watch_open", 10) == 0;

    for (nth = 1; (outcome = try_nth(s, nth, error, report)) != 0 && nth < 200; nth++)
        aborts += outcome < 0;
    CHECK(nth > 1 && nth < 200);
    /* Not coming home ends the process, exactly there; a signal is no reason. */
    CHECK_EQ(visits_pod && error != EINTR ? 1 : 0, aborts);
    if (error == EIO)
        printf("  %-22s %2d calls failed in turn\n", s->name, nth - 1);
}

int run_sweep(void)
{
    static const int errors[] = { EIO, EPERM, ENOMEM, EINTR };
    struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (report == MAP_FAILED)
        return 1;
    for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++)
        for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++)
            sweep(&scenarios[s], errors[e], report);
    munmap(report, sizeof *report);
    return 0;
}
