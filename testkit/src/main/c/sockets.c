/* Addresses, sockets and the signal that ends a server. */
#include "netprobe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

volatile sig_atomic_t stopping;

void name_of(const struct sockaddr_storage *a, char *out, size_t size) {
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

struct sockaddr_storage resolve(const char *host, uint16_t port, socklen_t *length, int type) {
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

int open_socket(int family, int type) {
    int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;
    if (fd < 0) die("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (cfg.receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &cfg.receive_buffer, sizeof cfg.receive_buffer);
    return fd;
}

static void on_stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

sigset_t catch_stop(void) {
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

int listen_on(int type) {
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
