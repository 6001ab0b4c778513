#include "client.h"
#include "pattern.h"
#include "server.h"
#include "wire.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 60000
#define SECONDS_MAX 3600
#define OPEN_CONNECTIONS_MAX 4096

static const char usage[] =
    "culvert-load server --listen ADDRESS --port PORT [--seconds S]\n"
    "culvert-load client --to ADDRESS --port PORT --work WORK [options]\n"
    "  WORK  bulk     one direction as fast as it goes, confirmed by the server after our end of stream\n"
    "        ping     one message out, one back, again, on each connection\n"
    "        connect  connect, one exchange, close by the server, again, on each slot\n"
    "        open     requests at a fixed rate, whatever the answers do; latency counts from the intended time\n"
    "        idle     one exchange on each connection, silence, one more exchange\n"
    "  --connections N  (1)    --size BYTES of a message (256)   --rate REQUESTS/S in all (open)\n"
    "  --seconds S      (3)    --count OPERATIONS, bytes for bulk (no limit)   --wait S for set-up and last answers (10)\n"
    "Prints one line of JSON. Exit: 0 all well, 1 a payload was not what was sent, 2 it could not begin, 3 something failed.\n";

static const char *const work_names[] = {"bulk", "ping", "connect", "open", "idle"};

struct arguments {
    const char *address;
    uint16_t port;
    double seconds;
    double wait;
    struct culvert_client_plan plan;
    int work_given;
};

static int fail(const char *what)
{
    fprintf(stderr, "culvert-load: %s\n%s", what, usage);
    return 2;
}

/* -1 unless `text` is a number from min to max. */
static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);

    return end != text && *end == '\0' && value >= min && value <= max ? value : -1;
}

static int take_work(struct arguments *a, const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(work_names) / sizeof(work_names[0]); i++)
        if (strcmp(text, work_names[i]) == 0) {
            a->plan.work = (enum culvert_client_work)i;
            a->work_given = 1;
            return 0;
        }
    return -1;
}

static int take(struct arguments *a, int option, const char *text)
{
    static const struct { int option; double min, max; } bounds[] = {
        {'p', 1, 65535}, {'n', 1, CONNECTIONS_MAX}, {'s', 1, WIRE_SIZE_MAX}, {'r', 1, 1e7},
        {'c', 1, 1e15}, {'t', 0.001, SECONDS_MAX}, {'x', 0.001, SECONDS_MAX}};
    double value = -1;
    size_t i;

    for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        if (bounds[i].option == option)
            value = number(text, bounds[i].min, bounds[i].max);
    if (value < 0 && option != 'a' && option != 'w')
        return -1;
    switch (option) {
    case 'a': a->address = text; break;
    case 'w': return take_work(a, text);
    case 'p': a->port = (uint16_t)value; break;
    case 'n': a->plan.connections = (uint32_t)value; break;
    case 's': a->plan.size = (uint32_t)value; break;
    case 'r': a->plan.rate = (uint32_t)value; break;
    case 'c': a->plan.count = (uint64_t)value; break;
    case 't': a->seconds = value; break;
    case 'x': a->wait = value; break;
    default: return -1;
    }
    return 0;
}

static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'a'}, {"to", required_argument, NULL, 'a'},
        {"port", required_argument, NULL, 'p'}, {"work", required_argument, NULL, 'w'},
        {"connections", required_argument, NULL, 'n'}, {"size", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'}, {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 't'}, {"wait", required_argument, NULL, 'x'}, {NULL, 0, NULL, 0}};
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", options, &index)) != -1)
        if (take(a, option, optarg) < 0) {
            if (option != '?')
                fprintf(stderr, "culvert-load: --%s does not take %s\n", options[index].name, optarg);
            return -1;
        }
    return optind == argc && a->address != NULL && a->port != 0 ? 0 : -1;
}

static double micros(uint64_t nanos)
{
    return (double)nanos / 1e3;
}

static void print_latency(const struct culvert_histogram *h)
{
    printf("\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,\"max\":%.1f,\"mean\":%.1f}",
           micros(culvert_histogram_quantile(h, 500000)), micros(culvert_histogram_quantile(h, 900000)),
           micros(culvert_histogram_quantile(h, 990000)), micros(culvert_histogram_quantile(h, 999000)), micros(h->max),
           h->count ? micros(h->sum / h->count) : 0.0);
}

static void print_result(const struct culvert_client_plan *plan, const struct culvert_client_result *r)
{
    double seconds = (double)r->run_nanos / 1e9;
    double per_second = seconds > 0 ? 1 / seconds : 0;

    printf("{\"work\":\"%s\",\"connections\":%u,\"size\":%u,\"rate\":%u,\"seconds\":%.6f,\"setup_seconds\":%.6f,",
           work_names[plan->work], plan->connections, plan->work == CLIENT_BULK ? 0 : plan->size, plan->rate, seconds,
           (double)r->setup_nanos / 1e9);
    printf("\"operations\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"operations_per_second\":%.1f,\"bits_per_second\":%.0f,",
           r->operations, r->bytes, (double)r->operations * per_second, (double)r->bytes * 8 * per_second);
    printf("\"failed\":%" PRIu64 ",\"mismatched\":%" PRIu64 ",\"cpu_seconds\":%.3f,", r->failed, r->mismatched,
           (double)culvert_net_cpu() / 1e9);
    print_latency(&r->latency);
    printf("}\n");
}

static int run_client(struct arguments *a)
{
    static struct culvert_client_result result;

    if (!a->work_given)
        return fail("--work is missing");
    if ((a->plan.work == CLIENT_OPEN) != (a->plan.rate > 0))
        return fail("--rate belongs to --work open, and only there");
    if (a->plan.work == CLIENT_OPEN && a->plan.connections > OPEN_CONNECTIONS_MAX)
        return fail("--work open takes at most 4096 connections");
    a->plan.nanos = (uint64_t)(a->seconds * 1e9);
    a->plan.setup_nanos = a->plan.drain_nanos = (uint64_t)(a->wait * 1e9);
    if (culvert_client_run(&a->plan, &result) < 0) {
        fprintf(stderr, "culvert-load: cannot begin: %s\n", strerror(errno));
        return 2;
    }
    print_result(&a->plan, &result);
    if (result.mismatched > 0)
        return 1;
    return result.failed > 0 ? 3 : 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.seconds = 3, .wait = 10, .plan = {.connections = 1, .size = 256}};
    int client = argc > 1 && strcmp(argv[1], "client") == 0;
    int server = argc > 1 && strcmp(argv[1], "server") == 0;

    if (!client && !server)
        return fail("client or server?");
    if (server)
        a.seconds = SECONDS_MAX;
    if (parse(&a, argc - 1, argv + 1) < 0)
        return fail("that is not how it is called");
    if (culvert_net_parse(a.address, a.port, &a.plan.to) < 0)
        return fail("the address must be an IPv4 or IPv6 literal");
    culvert_pattern_init();
    return client ? run_client(&a) : culvert_server_run(&a.plan.to, (uint32_t)(a.seconds + 0.999));
}
