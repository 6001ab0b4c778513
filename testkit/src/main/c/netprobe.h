/* What the parts of netprobe share. */
#ifndef CULVERT_NETPROBE_H
#define CULVERT_NETPROBE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sha256.h"

enum { BUFFER = 65536, STEPS_MAX = 64 };
static const uint64_t CLIENT_SEED = 0x636c69656e74ULL, SERVER_SEED = 0x736572766572ULL;

enum op {
    SEND, SAY, RECV, HEAR, BACK, DUPLEX, BOTH, ECHO_ALL, DRAIN, RATE, FIN, RST, CLOSE,
    END_EOF, END_RESET, END_ANY, SILENT, PAUSE, ALL, REFUSED, UNCONNECTED
};

struct step { enum op op; uint64_t n; const char *text; };

struct config {
    struct step steps[STEPS_MAX];
    int step_count;
    const char *bind_to;
    uint16_t port;
    int connections, repeat, accept_max, timeout_ms, size, receive_buffer;
    bool hash, quiet, meets;
    struct sockaddr_storage target;
    socklen_t target_len;
};
extern struct config cfg;

struct conn {
    int id, fd, broken;            /* broken: errno of a reset seen while sending */
    uint64_t sent, received, own_seed, peer_seed, own_back, rate;
    struct sha256 hash;
    unsigned char *out, *in;
    bool met;
    char error[200];
};

/* For what the connections count together. */
extern pthread_mutex_t lock;
extern pthread_cond_t changed;

/* Wrong use, or a machine that lacks something. */
_Noreturn void die(const char *format, ...);

/* steps.c */
bool fail(struct conn *c, const char *format, ...);
void stream_fill(uint64_t seed, uint64_t offset, unsigned char *to, size_t n);
bool awaits_reset(int step);
void run_steps(struct conn *c);
void leave_out(void);
void close_now(struct conn *c, bool reset);

/* sockets.c */
extern volatile sig_atomic_t stopping;
void name_of(const struct sockaddr_storage *a, char *out, size_t size);
struct sockaddr_storage resolve(const char *host, uint16_t port, socklen_t *length, int type);
int open_socket(int family, int type);
sigset_t catch_stop(void);
int listen_on(int type);

/* The programs; each returns the exit code. */
int serve(void);
int connect_all(void);
int udp_serve(void);
int udp(void);
int ping(void);

#endif
