/* The programs of TCP: serve and connect, a thread for each connection. */
#include "netprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished, failed;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

int serve(void) {
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

int connect_all(void) {
    pthread_t *threads = calloc((size_t)cfg.connections, sizeof *threads);
    if (!threads) die("out of memory");
    int64_t started = now_ms();
    for (int i = 0; i < cfg.connections; i++) threads[i] = start(client, (void *)(intptr_t)i, false);
    for (int i = 0; i < cfg.connections; i++) pthread_join(threads[i], NULL);
    free(threads);
    printf("connections %d failed %d ms %lld\n", finished, failed, (long long)(now_ms() - started));
    return failed ? 1 : 0;
}
