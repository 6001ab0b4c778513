/* The programs without connections: udp-serve, udp and ping. */
#include "netprobe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int udp_serve(void) {
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

int udp(void) {
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

int ping(void) {
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
