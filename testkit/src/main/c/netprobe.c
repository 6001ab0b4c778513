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
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sha256.h"

enum { BUFFER = 65536, STEPS_MAX = 64 };
static const uint64_t CLIENT_SEED = 0x636c69656e74ULL, SERVER_SEED = 0x736572766572ULL;

enum op {
    SEND, SAY, RECV, HEAR, BACK, DUPLEX, BOTH, ECHO_ALL, DRAIN, RATE, FIN, RST, CLOSE,
    END_EOF, END_RESET, END_ANY, SILENT, PAUSE, ALL, REFUSED, UNCONNECTED
};
enum argument { NONE, NUMBER, TEXT };
static const struct { const char *name; enum op op; enum argument argument; } verbs[] = {
    {"send", SEND, NUMBER},   {"say", SAY, TEXT},       {"recv", RECV, NUMBER},     {"hear", HEAR, TEXT},
    {"back", BACK, NUMBER},   {"duplex", DUPLEX, NUMBER}, {"both", BOTH, NUMBER},   {"echo", ECHO_ALL, NONE},
    {"drain", DRAIN, NONE},   {"rate", RATE, NUMBER},   {"fin", FIN, NONE},         {"rst", RST, NONE},
    {"close", CLOSE, NONE},   {"eof", END_EOF, NONE},   {"reset", END_RESET, NONE}, {"closed", END_ANY, NONE},
    {"silent", SILENT, NUMBER}, {"sleep", PAUSE, NUMBER}, {"all", ALL, NONE},       {"refused", REFUSED, NONE},
    {"unconnected", UNCONNECTED, NONE}};

struct step { enum op op; uint64_t n; const char *text; };

static struct {
    struct step steps[STEPS_MAX];
    int step_count;
    const char *bind_to;
    uint16_t port;
    int connections, repeat, accept_max, timeout_ms, size, receive_buffer;
    bool hash, quiet, meets;
    struct sockaddr_storage target;
    socklen_t target_len;
} cfg = {.connections = 1, .repeat = 1, .timeout_ms = 20000, .size = 64};

struct conn {
    int id, fd, broken;            /* broken: errno of a reset seen while sending */
    uint64_t sent, received, own_seed, peer_seed, own_back, rate;
    struct sha256 hash;
    unsigned char *out, *in;
    bool met;
    char error[200];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished, failed, arrived, absent;
static volatile sig_atomic_t stopping;

static void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("netprobe: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static bool fail(struct conn *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, sizeof c->error, format, args);
    va_end(args);
    return false;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_us(uint64_t us) {
    struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {}
}

/* ---- the byte streams: addressable by offset, so that any piece can be made or checked alone ---- */

static uint64_t word_at(uint64_t seed, uint64_t index) {
    uint64_t z = (seed + index) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static void stream_fill(uint64_t seed, uint64_t offset, unsigned char *to, size_t n) {
    for (size_t i = 0; i < n;) {
        uint64_t w = word_at(seed, (offset + i) / 8);
        size_t in_word = (size_t)((offset + i) % 8);
        size_t take = 8 - in_word < n - i ? 8 - in_word : n - i;
        memcpy(to + i, (unsigned char *)&w + in_word, take);
        i += take;
    }
}

static bool stream_check(struct conn *c, uint64_t seed, uint64_t offset, const unsigned char *got, size_t n) {
    unsigned char want[8192];
    for (size_t i = 0; i < n;) {
        size_t take = n - i < sizeof want ? n - i : sizeof want;
        stream_fill(seed, offset + i, want, take);
        for (size_t k = 0; memcmp(want, got + i, take) != 0 && k < take; k++)
            if (want[k] != got[i + k])
                return fail(c, "wrong byte at offset %llu", (unsigned long long)(offset + i + k));
        i += take;
    }
    return true;
}

/* ---- moving bytes ---- */

static bool await(struct conn *c, short events, short *ready, const char *what) {
    struct pollfd p = {.fd = c->fd, .events = events};
    int n;
    do n = poll(&p, 1, cfg.timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0) return fail(c, "%s: poll: %s", what, strerror(errno));
    if (n == 0) return fail(c, "%s: no progress for %d ms", what, cfg.timeout_ms);
    *ready = p.revents;
    return true;
}

/* Returns the bytes read, 0 at the end, -1 with errno; waits. */
static ssize_t read_some(struct conn *c, size_t most, const char *what) {
    for (;;) {
        ssize_t n = recv(c->fd, c->in, most < BUFFER ? most : BUFFER, 0);
        if (n > 0) {
            c->received += (uint64_t)n;
            if (cfg.hash) sha256_add(&c->hash, c->in, (size_t)n);
            if (c->rate > 0) pause_us((uint64_t)n * 1000000 / c->rate);
        }
        if (n >= 0 || (errno != EAGAIN && errno != EINTR)) return n;
        short ready;
        if (errno == EAGAIN && !await(c, POLLIN, &ready, what)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

static ssize_t write_some(struct conn *c, const unsigned char *from, size_t n) {
    ssize_t put = send(c->fd, from, n, MSG_NOSIGNAL);
    if (put > 0) c->sent += (uint64_t)put;
    return put;
}

static bool write_all(struct conn *c, const unsigned char *from, size_t n, const char *what) {
    while (n > 0) {
        ssize_t put = write_some(c, from, n);
        if (put > 0) {
            from += put;
            n -= (size_t)put;
        } else if (errno == EAGAIN) {
            short ready;
            if (!await(c, POLLOUT, &ready, what)) return false;
        } else if (errno != EINTR) {
            c->broken = errno;
            return fail(c, "%s: %s", what, strerror(errno));
        }
    }
    return true;
}

static bool send_part(struct conn *c, uint64_t *left) {
    size_t n = *left < BUFFER ? (size_t)*left : BUFFER;
    stream_fill(c->own_seed, c->sent, c->out, n);
    ssize_t put = write_some(c, c->out, n);
    if (put > 0) *left -= (uint64_t)put;
    if (put >= 0 || errno == EAGAIN || errno == EINTR) return true;
    c->broken = errno;
    return fail(c, "send: %s after %llu bytes", strerror(errno), (unsigned long long)c->sent);
}

static bool recv_part(struct conn *c, uint64_t *left, bool own) {
    uint64_t offset = own ? c->own_back : c->received;
    ssize_t n = read_some(c, *left < BUFFER ? (size_t)*left : BUFFER, "recv");
    if (n == 0) return fail(c, "recv: end after %llu bytes, %llu wanted", (unsigned long long)c->received,
                            (unsigned long long)*left);
    if (n < 0) return c->error[0] ? false : fail(c, "recv: %s after %llu bytes", strerror(errno), (unsigned long long)c->received);
    *left -= (uint64_t)n;
    if (own) c->own_back += (uint64_t)n;
    return stream_check(c, own ? c->own_seed : c->peer_seed, offset, c->in, (size_t)n);
}

/* Sends `out` bytes while receiving `in` bytes, so that neither direction waits for the other. */
static bool exchange(struct conn *c, uint64_t out, uint64_t in, bool own) {
    while (out > 0 || in > 0) {
        short want = (short)((out > 0 ? POLLOUT : 0) | (in > 0 ? POLLIN : 0)), ready;
        if (!await(c, want, &ready, out > 0 ? "send" : "recv")) return false;
        if (in > 0 && (ready & (POLLIN | POLLERR | POLLHUP)) && !recv_part(c, &in, own)) return false;
        if (out > 0 && (ready & (POLLOUT | POLLERR | POLLHUP)) && !send_part(c, &out)) return false;
    }
    return true;
}

static bool hear(struct conn *c, const char *text) {
    for (size_t at = 0, length = strlen(text); at < length;) {
        ssize_t n = read_some(c, length - at, "hear");
        if (n <= 0) return c->error[0] ? false : fail(c, "hear: %s", n == 0 ? "end" : strerror(errno));
        if (memcmp(c->in, text + at, (size_t)n) != 0) return fail(c, "hear: other bytes than \"%.60s\"", text);
        at += (size_t)n;
    }
    return true;
}

static bool echo_all(struct conn *c) {
    for (;;) {
        ssize_t n = read_some(c, BUFFER, "echo");
        if (n < 0) return c->error[0] ? false : fail(c, "echo: %s", strerror(errno));
        if (n == 0) return shutdown(c->fd, SHUT_WR) == 0 || fail(c, "echo: fin: %s", strerror(errno));
        if (!write_all(c, c->in, (size_t)n, "echo")) return false;
    }
}

static bool drain(struct conn *c) {
    for (;;) {
        uint64_t offset = c->received;
        ssize_t n = read_some(c, BUFFER, "drain");
        if (n == 0) return true;
        if (n < 0) return c->error[0] ? false : fail(c, "drain: %s", strerror(errno));
        if (!stream_check(c, c->peer_seed, offset, c->in, (size_t)n)) return false;
    }
}

static bool is_reset(int error) { return error == ECONNRESET || error == EPIPE; }

static bool expect_end(struct conn *c, enum op how) {
    if (c->broken) {
        if (is_reset(c->broken) && how != END_EOF) return true;
        return fail(c, "wanted an orderly end, got %s", strerror(c->broken));
    }
    for (;;) {
        ssize_t n = read_some(c, BUFFER, "end");
        if (n > 0 && how == END_RESET) continue; /* bytes in flight before the reset */
        if (n > 0) return fail(c, "wanted the end, got %zd bytes", n);
        if (n == 0) return how != END_RESET || fail(c, "wanted a reset, got an orderly end");
        if (c->error[0]) return false;
        return (is_reset(errno) && how != END_EOF) || fail(c, "wanted an orderly end, got %s", strerror(errno));
    }
}

static bool silent(struct conn *c, uint64_t ms) {
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int n = poll(&p, 1, (int)ms);
    return n == 0 || fail(c, "wanted silence, got events 0x%x", (unsigned)p.revents);
}

static void close_now(struct conn *c, bool reset) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->fd < 0) return;
    if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    c->fd = -1;
}

static void leave_out(void) {
    pthread_mutex_lock(&lock);
    absent++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool meet_all(struct conn *c) {
    pthread_mutex_lock(&lock);
    c->met = true;
    arrived++;
    pthread_cond_broadcast(&changed);
    while (arrived + absent < cfg.connections) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return true;
}

static bool run_step(struct conn *c, const struct step *s) {
    if (c->fd < 0) return fail(c, "already closed");
    switch (s->op) {
        case SEND: return exchange(c, s->n, 0, false);
        case RECV: return exchange(c, 0, s->n, false);
        case BACK: return exchange(c, 0, s->n, true);
        case DUPLEX: return exchange(c, s->n, s->n, false);
        case BOTH: return exchange(c, s->n, s->n, true);
        case SAY: return write_all(c, (const unsigned char *)s->text, strlen(s->text), "say");
        case HEAR: return hear(c, s->text);
        case ECHO_ALL: return echo_all(c);
        case DRAIN: return drain(c);
        case RATE: c->rate = s->n; return true;
        case FIN: return shutdown(c->fd, SHUT_WR) == 0 || fail(c, "fin: %s", strerror(errno));
        case RST: close_now(c, true); return true;
        case CLOSE: close_now(c, false); return true;
        case END_EOF: case END_RESET: case END_ANY: return expect_end(c, s->op);
        case SILENT: return silent(c, s->n);
        case PAUSE: pause_us(s->n * 1000); return true;
        case ALL: return meet_all(c);
        case REFUSED: case UNCONNECTED: return fail(c, "connected");
    }
    return fail(c, "unknown step");
}

static bool awaits_reset(int step) {
    return step < cfg.step_count && (cfg.steps[step].op == END_RESET || cfg.steps[step].op == END_ANY);
}

static void run_steps(struct conn *c) {
    for (int i = 0; i < cfg.step_count; i++) {
        if (run_step(c, &cfg.steps[i])) continue;
        if (!(c->broken && awaits_reset(i + 1))) return;
        c->error[0] = '\0'; /* the next step says whether this reset was wanted */
    }
}

/* ---- connections ---- */

static void name_of(const struct sockaddr_storage *a, char *out, size_t size) {
    char ip[INET6_ADDRSTRLEN] = "?";
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip);
        snprintf(out, size, "%s:%u", ip, ntohs(v4->sin_port));
    } else if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, ip, sizeof ip);
            snprintf(out, size, "%s:%u", ip, ntohs(v6->sin6_port));
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof ip);
            snprintf(out, size, "[%s]:%u", ip, ntohs(v6->sin6_port));
        }
    } else {
        snprintf(out, size, "-");
    }
}

static void prepare(struct conn *c) {
    int one = 1;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->out = malloc(BUFFER);
    c->in = malloc(BUFFER);
    if (!c->out || !c->in) die("out of memory");
    sha256_init(&c->hash);
}

static void report(struct conn *c, const char *local, const char *peer, int64_t started) {
    char hash[65] = "";
    if (cfg.hash) sha256_hex(&c->hash, hash);
    pthread_mutex_lock(&lock);
    finished++;
    if (c->error[0]) failed++;
    if (!cfg.quiet || c->error[0])
        printf("conn %d local=%s peer=%s sent=%llu received=%llu%s%s ms=%lld %s%s\n", c->id, local, peer,
               (unsigned long long)c->sent, (unsigned long long)c->received, cfg.hash ? " sha256=" : "", hash,
               (long long)(now_ms() - started), c->error[0] ? "FAIL " : "ok", c->error);
    fflush(stdout);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void converse(struct conn *c, int64_t started) {
    struct sockaddr_storage a = {0};
    char local[64], peer[64];
    socklen_t length = sizeof a;
    getsockname(c->fd, (struct sockaddr *)&a, &length);
    name_of(&a, local, sizeof local);
    memset(&a, 0, sizeof a);
    length = sizeof a;
    getpeername(c->fd, (struct sockaddr *)&a, &length);
    name_of(&a, peer, sizeof peer);
    prepare(c);
    run_steps(c);
    if (!c->met) leave_out();
    close_now(c, false);
    report(c, local, peer, started);
    free(c->out);
    free(c->in);
}

static struct sockaddr_storage resolve(const char *host, uint16_t port, socklen_t *length, int type) {
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST}, *found;
    struct sockaddr_storage out = {0};
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0) die("not an IP address: %s", host);
    memcpy(&out, found->ai_addr, found->ai_addrlen);
    *length = found->ai_addrlen;
    freeaddrinfo(found);
    return out;
}

static int open_socket(int family, int type) {
    int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;
    if (fd < 0) die("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (cfg.receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &cfg.receive_buffer, sizeof cfg.receive_buffer);
    return fd;
}

static int connect_in_time(int fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (struct sockaddr *)&cfg.target, cfg.target_len) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, cfg.timeout_ms) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

static void connect_once(int id) {
    struct conn c = {.id = id, .own_seed = CLIENT_SEED, .peer_seed = SERVER_SEED};
    int64_t started = now_ms();
    c.fd = open_socket(cfg.target.ss_family, SOCK_STREAM);
    if (cfg.bind_to) {
        socklen_t length;
        struct sockaddr_storage from = resolve(cfg.bind_to, 0, &length, SOCK_STREAM);
        if (bind(c.fd, (struct sockaddr *)&from, length) != 0) die("bind %s: %s", cfg.bind_to, strerror(errno));
    }
    int error = connect_in_time(c.fd);
    if (error == 0) {
        converse(&c, started);
        return;
    }
    enum op first = cfg.steps[0].op;
    /* a peer that accepts and resets at once may be faster than our look at the socket; a closed port is refused */
    bool reset = error == ECONNRESET && (awaits_reset(0) || awaits_reset(1));
    bool wanted = reset || first == UNCONNECTED || (first == REFUSED && error == ECONNREFUSED);
    if (!wanted) fail(&c, "connect: %s", strerror(error));
    close_now(&c, false);
    leave_out();
    report(&c, "-", "-", started);
}

static void *client(void *arg) {
    for (int i = 0; i < cfg.repeat; i++) connect_once((int)(intptr_t)arg + i * cfg.connections);
    return NULL;
}

static void *served(void *arg) {
    struct conn *c = arg;
    converse(c, now_ms());
    free(c);
    return NULL;
}

static pthread_t start(void *(*body)(void *), void *arg, bool detached) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 131072);
    if (detached) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attr, body, arg);
    if (error) die("thread: %s", strerror(error));
    pthread_attr_destroy(&attr);
    return thread;
}

/* ---- the programs ---- */

static void on_stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

static sigset_t catch_stop(void) {
    struct sigaction act = {.sa_handler = on_stop};
    sigset_t held, open;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGINT);
    pthread_sigmask(SIG_BLOCK, &held, &open); /* only ppoll lets it in, so that no thread misses it */
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    return open;
}

static int listen_on(int type) {
    socklen_t length;
    struct sockaddr_storage at = resolve(cfg.bind_to ? cfg.bind_to : "::", cfg.port, &length, type);
    int fd = open_socket(at.ss_family, type);
    if (bind(fd, (struct sockaddr *)&at, length) != 0) die("bind port %u: %s", cfg.port, strerror(errno));
    if (type == SOCK_STREAM && listen(fd, 4096) != 0) die("listen: %s", strerror(errno));
    char name[64];
    length = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &length);
    name_of(&at, name, sizeof name);
    printf("listening %s\n", strrchr(name, ':') + 1);
    fflush(stdout);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int serve(void) {
    sigset_t open = catch_stop();
    int listener = listen_on(SOCK_STREAM), accepted = 0;
    while (!stopping && (cfg.accept_max == 0 || accepted < cfg.accept_max)) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        if (ppoll(&p, 1, NULL, &open) <= 0) continue;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        struct conn *c = calloc(1, sizeof *c);
        if (!c) die("out of memory");
        *c = (struct conn){.id = accepted++, .fd = fd, .own_seed = SERVER_SEED, .peer_seed = CLIENT_SEED};
        start(served, c, true);
    }
    close(listener);
    signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &open, NULL);
    pthread_mutex_lock(&lock);
    struct timespec grace; /* a connection that is just ending is still counted when the server is stopped */
    clock_gettime(CLOCK_REALTIME, &grace);
    grace.tv_sec += stopping ? 0 : 86400;
    grace.tv_nsec += 300000000;
    if (grace.tv_nsec >= 1000000000) grace.tv_nsec -= 1000000000, grace.tv_sec++;
    while (finished < accepted && pthread_cond_timedwait(&changed, &lock, &grace) != ETIMEDOUT) {}
    printf("served %d failed %d open %d\n", finished, failed, accepted - finished);
    fflush(stdout);
    return failed ? 1 : 0;
}

static int connect_all(void) {
    pthread_t *threads = calloc((size_t)cfg.connections, sizeof *threads);
    if (!threads) die("out of memory");
    int64_t started = now_ms();
    for (int i = 0; i < cfg.connections; i++) threads[i] = start(client, (void *)(intptr_t)i, false);
    for (int i = 0; i < cfg.connections; i++) pthread_join(threads[i], NULL);
    free(threads);
    printf("connections %d failed %d ms %lld\n", finished, failed, (long long)(now_ms() - started));
    return failed ? 1 : 0;
}

static int udp_serve(void) {
    sigset_t open = catch_stop();
    int fd = listen_on(SOCK_DGRAM);
    unsigned char datagram[BUFFER];
    while (!stopping) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (ppoll(&p, 1, NULL, &open) <= 0) continue;
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        char name[64];
        ssize_t n = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
        if (n < 0) continue;
        name_of(&from, name, sizeof name);
        printf("datagram peer=%s bytes=%zd\n", name, n);
        fflush(stdout);
        sendto(fd, datagram, (size_t)n, 0, (struct sockaddr *)&from, length);
    }
    return 0;
}

static int udp(void) {
    int fd = open_socket(cfg.target.ss_family, SOCK_DGRAM), echoed = 0;
    unsigned char out[BUFFER], in[BUFFER];
    if (connect(fd, (struct sockaddr *)&cfg.target, cfg.target_len) != 0) die("connect: %s", strerror(errno));
    for (int i = 0; i < cfg.connections; i++) {
        stream_fill(CLIENT_SEED, (uint64_t)i * (uint64_t)cfg.size, out, (size_t)cfg.size);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (send(fd, out, (size_t)cfg.size, 0) < 0 || poll(&p, 1, cfg.timeout_ms) <= 0) break;
        ssize_t n = recv(fd, in, sizeof in, 0);
        if (n != cfg.size || memcmp(in, out, (size_t)n) != 0) break;
        echoed++;
    }
    printf("datagrams %d echoed %d\n", cfg.connections, echoed);
    return echoed == cfg.connections ? 0 : 1;
}

/* RFC 1071; the kernel does it for ICMPv6. */
static uint16_t checksum(const unsigned char *p, size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2) sum += (uint32_t)p[i] << 8 | p[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~(sum + (sum >> 16));
}

static int ping(void) {
    bool v6 = cfg.target.ss_family == AF_INET6;
    int fd = socket(cfg.target.ss_family, SOCK_RAW | SOCK_CLOEXEC, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0 || connect(fd, (struct sockaddr *)&cfg.target, cfg.target_len) != 0) die("ping: %s", strerror(errno));
    unsigned char out[40] = {v6 ? 128 : 8}, in[2048];
    stream_fill(CLIENT_SEED + (uint64_t)getpid(), 0, out + 4, sizeof out - 4);
    uint16_t sum = v6 ? 0 : checksum(out, sizeof out);
    out[2] = (unsigned char)(sum >> 8);
    out[3] = (unsigned char)sum;
    if (send(fd, out, sizeof out, 0) < 0) die("ping: %s", strerror(errno));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 2000) > 0) {
        ssize_t n = recv(fd, in, sizeof in, 0);
        size_t head = v6 ? 0 : (size_t)(in[0] & 15) * 4; /* a raw IPv4 socket delivers the IP header too */
        bool answer = n == (ssize_t)(head + sizeof out) && in[head] == (v6 ? 129 : 0);
        if (answer && memcmp(in + head + 4, out + 4, sizeof out - 4) == 0) return puts("answered"), 0;
    }
    return puts("no answer"), 1;
}

/* ---- command line ---- */

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
