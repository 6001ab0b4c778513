/* The steps of one connection, see the head of netprobe.c. */
#include "netprobe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int arrived, absent;

bool fail(struct conn *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, sizeof c->error, format, args);
    va_end(args);
    return false;
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

void stream_fill(uint64_t seed, uint64_t offset, unsigned char *to, size_t n) {
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

void close_now(struct conn *c, bool reset) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->fd < 0) return;
    if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    c->fd = -1;
}

void leave_out(void) {
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

bool awaits_reset(int step) {
    return step < cfg.step_count && (cfg.steps[step].op == END_RESET || cfg.steps[step].op == END_ANY);
}

void run_steps(struct conn *c) {
    for (int i = 0; i < cfg.step_count; i++) {
        if (run_step(c, &cfg.steps[i])) continue;
        if (!(c->broken && awaits_reset(i + 1))) return;
        c->error[0] = '\0'; /* the next step says whether this reset was wanted */
    }
}
