/*
 * netprobe: an ordinary network program that checks what it sees. It knows nothing of proxies.
 *
 *   netprobe serve [options] -- STEP...              accept, run the steps on every connection; SIGTERM ends it
 *   netprobe connect [options] ADDR PORT -- STEP...  connect, run the steps
 *   netprobe udp-serve [options]                     echo datagrams
 *   netprobe udp [options] ADDR PORT                 send datagrams, demand each one back
 *   netprobe ping ADDR 0                             one ICMP echo request, demand the answer
 *
 * The steps of one connection, in order:
 *   send:N  say:TEXT   write N bytes of this side's byte stream, or a text
 *   recv:N  hear:TEXT  read N bytes and compare them with the peer's byte stream, or read a text and compare it
 *   back:N             read N bytes and compare them with our own stream (what an echo server returns)
 *   duplex:N  both:N   send:N while recv:N (duplex), or while back:N (both)
 *   echo               return every byte until the end, then fin
 *   drain              read to the end, comparing with the peer's stream
 *   rate:B             from here on read no more than about B bytes a second (0 lifts it)
 *   fin  rst  close    shutdown(SHUT_WR), close with SO_LINGER 0, close
 *   eof  reset  closed the peer ended in order, the peer reset, either of them; eof and closed allow no byte before
 *   silent:MS sleep:MS nothing at all arrives for so long; wait
 *   all                wait until every connection of this process is here (connect only)
 *   refused unconnected  (first and only step) connect must be refused, or must fail in any way
 *
 * The two byte streams are fixed pseudo-random sequences, one per direction, so that a byte lost, doubled, swapped or
 * taken from another direction is found at its offset. One line is printed per connection; exit 0 means that every
 * step of every connection held, 1 that one did not, 2 wrong use.
 */
#include "netprobe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum argument { NONE, NUMBER, TEXT };
static const struct { const char *name; enum op op; enum argument argument; } verbs[] = {
    {"send", SEND, NUMBER},   {"say", SAY, TEXT},       {"recv", RECV, NUMBER},     {"hear", HEAR, TEXT},
    {"back", BACK, NUMBER},   {"duplex", DUPLEX, NUMBER}, {"both", BOTH, NUMBER},   {"echo", ECHO_ALL, NONE},
    {"drain", DRAIN, NONE},   {"rate", RATE, NUMBER},   {"fin", FIN, NONE},         {"rst", RST, NONE},
    {"close", CLOSE, NONE},   {"eof", END_EOF, NONE},   {"reset", END_RESET, NONE}, {"closed", END_ANY, NONE},
    {"silent", SILENT, NUMBER}, {"sleep", PAUSE, NUMBER}, {"all", ALL, NONE},       {"refused", REFUSED, NONE},
    {"unconnected", UNCONNECTED, NONE}};

struct config cfg = {.connections = 1, .repeat = 1, .timeout_ms = 20000, .size = 64};

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("netprobe: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static uint64_t number(const char *text, const char *what, uint64_t most) {
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || n > most) die("%s: not a number up to %llu: %s", what,
                                                                         (unsigned long long)most, text);
    return n;
}

static void add_step(const char *text) {
    size_t verb = strcspn(text, ":");
    const char *argument = text[verb] == ':' ? text + verb + 1 : NULL;
    if (cfg.step_count == STEPS_MAX) die("more than %d steps", STEPS_MAX);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strlen(verbs[i].name) != verb || strncmp(verbs[i].name, text, verb) != 0) continue;
        if ((argument != NULL) != (verbs[i].argument != NONE)) die("step %s: argument missing or not wanted", text);
        uint64_t n = verbs[i].argument == NUMBER ? number(argument, text, 1ULL << 40) : 0;
        cfg.steps[cfg.step_count++] = (struct step){verbs[i].op, n, argument};
        cfg.meets |= verbs[i].op == ALL;
        return;
    }
    die("unknown step: %s", text);
}

static int option(char **argv, int at, int argc) {
    const char *name = argv[at];
    if (strcmp(name, "--hash") == 0) return cfg.hash = true, 1;
    if (strcmp(name, "--quiet") == 0) return cfg.quiet = true, 1;
    if (at + 1 >= argc) die("%s: value missing", name);
    const char *value = argv[at + 1];
    if (strcmp(name, "--bind") == 0) cfg.bind_to = value;
    else if (strcmp(name, "--port") == 0) cfg.port = (uint16_t)number(value, name, 65535);
    else if (strcmp(name, "--connections") == 0) cfg.connections = (int)number(value, name, 20000);
    else if (strcmp(name, "--repeat") == 0) cfg.repeat = (int)number(value, name, 1000000000);
    else if (strcmp(name, "--accept") == 0) cfg.accept_max = (int)number(value, name, 1000000000);
    else if (strcmp(name, "--timeout-ms") == 0) cfg.timeout_ms = (int)number(value, name, 3600000);
    else if (strcmp(name, "--size") == 0) cfg.size = (int)number(value, name, 60000);
    else if (strcmp(name, "--receive-buffer") == 0) cfg.receive_buffer = (int)number(value, name, 1 << 30);
    else die("unknown option: %s", name);
    return 2;
}

static void parse(int argc, char **argv) {
    const char *address = NULL, *port = NULL;
    int at = 2;
    while (at < argc && strcmp(argv[at], "--") != 0) {
        if (argv[at][0] == '-') { at += option(argv, at, argc); continue; }
        if (!address) address = argv[at];
        else if (!port) port = argv[at];
        else die("unexpected: %s", argv[at]);
        at++;
    }
    for (at++; at < argc; at++) add_step(argv[at]);
    if (!address) return;
    if (!port) die("port missing");
    bool datagrams = strncmp(argv[1], "udp", 3) == 0;
    cfg.target = resolve(address, (uint16_t)number(port, "port", 65535), &cfg.target_len,
                         datagrams ? SOCK_DGRAM : SOCK_STREAM);
}

int main(int argc, char **argv) {
    struct rlimit files;
    if (argc < 2) die("serve | connect | udp-serve | udp | ping, see the head of netprobe.c");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    parse(argc, argv);
    bool serves = strcmp(argv[1], "serve") == 0, connects = strcmp(argv[1], "connect") == 0;
    if ((serves || connects) && cfg.step_count == 0) die("no steps");
    if ((connects || strcmp(argv[1], "udp") == 0) && cfg.target_len == 0) die("address and port missing");
    if (cfg.meets && (serves || cfg.repeat > 1)) die("the step all is for connect without --repeat");
    if (serves) return serve();
    if (connects) return connect_all();
    if (strcmp(argv[1], "udp-serve") == 0) return udp_serve();
    if (strcmp(argv[1], "udp") == 0) return udp();
    if (strcmp(argv[1], "ping") == 0 && cfg.target_len > 0) return ping();
    die("unknown command: %s", argv[1]);
}
