#include "culvert_socket.h"
#include "culvert_fdpass.h"
#include "culvert_netns.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

struct endpoint {
    sa_family_t family;
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
};

static void endpoint_of(uint64_t high, uint64_t low, uint32_t port, struct endpoint *out)
{
    const uint64_t be[2] = { htobe64(high), htobe64(low) };

    memset(out, 0, sizeof *out);
    if (high == 0 && low >> 32 == 0xffff) {
        out->family = out->as.v4.sin_family = AF_INET;
        out->length = sizeof out->as.v4;
        out->as.v4.sin_port = htons((uint16_t)port);
        out->as.v4.sin_addr.s_addr = htonl((uint32_t)low);
        return;
    }
    out->family = out->as.v6.sin6_family = AF_INET6;
    out->length = sizeof out->as.v6;
    out->as.v6.sin6_port = htons((uint16_t)port);
    memcpy(&out->as.v6.sin6_addr, be, sizeof be);
}

static int address_of(const struct endpoint *from, struct culvert_socket_address *out)
{
    uint64_t be[2];

    out->unused = 0;
    if (from->as.any.sa_family == AF_INET) {
        out->high = 0;
        out->low = UINT64_C(0xffff) << 32 | ntohl(from->as.v4.sin_addr.s_addr);
        out->port = ntohs(from->as.v4.sin_port);
        return 0;
    }
    if (from->as.any.sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    memcpy(be, &from->as.v6.sin6_addr, sizeof be);
    out->high = be64toh(be[0]);
    out->low = be64toh(be[1]);
    out->port = ntohs(from->as.v6.sin6_port);
    return 0;
}

static int set(int fd, int level, int name, int value)
{
    int rc;

    CULVERT_RETRY(rc, setsockopt(fd, level, name, &value, sizeof value));
    return rc;
}

static int get(int fd, int level, int name)
{
    int value = 0, rc;
    socklen_t length = sizeof value;

    CULVERT_RETRY(rc, getsockopt(fd, level, name, &value, &length));
    return rc < 0 ? rc : value;
}

static int failed(struct culvert_socket_request *request, enum culvert_step step, int rc)
{
    request->step = (int32_t)step;
    return rc;
}

/* Only socket() happens inside the pod: a socket stays in the namespace it was made in, whatever is done to it later. */
int culvert_socket_make(struct culvert_socket_request *request, int family, int type, int protocol)
{
    int fd, rc;

    if (request->pod_fd >= 0) {
        rc = culvert_netns_enter(request->pod_fd);
        if (rc < 0)
            return failed(request, CULVERT_STEP_SETNS, rc);
    }
    CULVERT_RETRY(fd, socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (request->pod_fd >= 0)
        culvert_netns_leave(request->home_fd);
    return fd < 0 ? failed(request, CULVERT_STEP_SOCKET, fd) : fd;
}

int culvert_socket_mark(int fd, uint32_t mark)
{
    int rc;

    CULVERT_RETRY(rc, setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark));
    return rc;
}

static int set_keepalive(int fd, const struct culvert_socket_request *request)
{
    int rc = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);

    if (rc >= 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)request->keep_idle);
    if (rc >= 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)request->keep_interval);
    if (rc >= 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)request->keep_probes);
    return rc;
}

int culvert_socket_tune(int fd, struct culvert_socket_request *request)
{
    int rc;

    if (request->mark != 0 && (rc = culvert_socket_mark(fd, request->mark)) < 0)
        return failed(request, CULVERT_STEP_MARK, rc);
    if ((request->flags & CULVERT_SOCKET_NODELAY) != 0 && (rc = set(fd, IPPROTO_TCP, TCP_NODELAY, 1)) < 0)
        return failed(request, CULVERT_STEP_NODELAY, rc);
    /* A relay cannot tell its other end which byte is urgent, but it must not lose it. */
    if ((rc = set(fd, SOL_SOCKET, SO_OOBINLINE, 1)) < 0)
        return failed(request, CULVERT_STEP_OOBINLINE, rc);
    if (request->keep_idle != 0 && (rc = set_keepalive(fd, request)) < 0)
        return failed(request, CULVERT_STEP_KEEPALIVE, rc);
    if (request->user_timeout != 0
        && (rc = set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)request->user_timeout)) < 0)
        return failed(request, CULVERT_STEP_USER_TIMEOUT, rc);
    return 0;
}

static int set_transparent(int fd, int family)
{
    return family == AF_INET ? set(fd, IPPROTO_IP, IP_TRANSPARENT, 1) : set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
}

static int prepare_server(int fd, const struct endpoint *at, struct culvert_socket_request *request)
{
    const int wildcard = (request->high | request->low) == 0;
    const int reuse = (request->flags & CULVERT_SOCKET_REUSEPORT) != 0 ? SO_REUSEPORT : SO_REUSEADDR;
    int rc;

    if (request->mark != 0 && (rc = culvert_socket_mark(fd, request->mark)) < 0)
        return failed(request, CULVERT_STEP_MARK, rc);
    if ((rc = set(fd, SOL_SOCKET, reuse, 1)) < 0)
        return failed(request, CULVERT_STEP_REUSE, rc);
    if (at->family == AF_INET6 && (rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !wildcard)) < 0)
        return failed(request, CULVERT_STEP_V6ONLY, rc);
    if ((request->flags & CULVERT_SOCKET_TRANSPARENT) != 0) {
        rc = set_transparent(fd, at->family);
        if (rc < 0 && (request->flags & CULVERT_SOCKET_TRANSPARENT_REQUIRED) != 0)
            return failed(request, CULVERT_STEP_TRANSPARENT, rc);
    }
    CULVERT_RETRY(rc, bind(fd, &at->as.any, at->length));
    return rc < 0 ? failed(request, CULVERT_STEP_BIND, rc) : 0;
}

static int serve_at(const struct endpoint *at, struct culvert_socket_request *request, int type)
{
    int rc, fd = culvert_socket_make(request, at->family, type, 0);

    if (fd < 0)
        return fd;
    rc = prepare_server(fd, at, request);
    if (rc >= 0 && type == SOCK_STREAM) {
        CULVERT_RETRY(rc, listen(fd, request->backlog));
        if (rc < 0)
            failed(request, CULVERT_STEP_LISTEN, rc);
    }
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

static int no_ipv6(const struct culvert_socket_request *request, int rc)
{
    return (request->step == CULVERT_STEP_SOCKET && rc == -EAFNOSUPPORT)
           || (request->step == CULVERT_STEP_BIND && (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT));
}

static int serve(struct culvert_socket_request *request, int type)
{
    struct endpoint at;
    int rc;

    if (request->port > 65535)
        return failed(request, CULVERT_STEP_ARGUMENT, -EINVAL);
    endpoint_of(request->high, request->low, request->port, &at);
    rc = serve_at(&at, request, type);
    if (rc >= 0 || (request->high | request->low) != 0 || !no_ipv6(request, rc))
        return rc;
    endpoint_of(0, UINT64_C(0xffff) << 32, request->port, &at);
    return serve_at(&at, request, type);
}

int culvert_socket_listen(struct culvert_socket_request *request)
{
    return serve(request, SOCK_STREAM);
}

int culvert_socket_datagram(struct culvert_socket_request *request)
{
    return serve(request, SOCK_DGRAM);
}

/*
 * Connection tracking tells connections apart by addresses and ports only. Under a borrowed address a port of ours that is
 * also one of its owner's would mix up two connections, so ours lie where no client's system takes its own by default.
 */
enum { BORROWED_PORT_FIRST = 10000, BORROWED_PORTS = 20000, BORROWED_TRIES = 8 };

static uint32_t borrowed_port(void)
{
    uint32_t chance = 0;

    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
        return BORROWED_PORT_FIRST;
    return BORROWED_PORT_FIRST + chance % BORROWED_PORTS;
}

/* With port 0 the kernel chooses at connect, where only the whole 4-tuple must be unique. */
static int bind_source(int fd, sa_family_t family, struct culvert_socket_request *request, uint32_t port)
{
    struct endpoint source;
    int rc;

    if ((request->source_high | request->source_low) == 0)
        return 0;
    endpoint_of(request->source_high, request->source_low, port, &source);
    if (source.family != family)
        return failed(request, CULVERT_STEP_BIND, -EAFNOSUPPORT);
    if ((rc = set_transparent(fd, family)) < 0)
        return failed(request, CULVERT_STEP_TRANSPARENT, rc);
    rc = family == AF_INET ? set(fd, IPPROTO_IP, IP_FREEBIND, 1) : set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    if (rc < 0)
        return failed(request, CULVERT_STEP_FREEBIND, rc);
    /* Several connections may share a port if they lead to different places. */
    if ((rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) < 0)
        return failed(request, CULVERT_STEP_REUSE, rc);
    /* A kernel without it still works. */
    if (port == 0)
        (void)set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    CULVERT_RETRY(rc, bind(fd, &source.as.any, source.length));
    return rc < 0 ? failed(request, CULVERT_STEP_BIND, rc) : 0;
}

/* 1 connected, 0 on its way, or -errno. */
static int start_connect(int fd, const struct endpoint *to)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    int rc = connect(fd, &to->as.any, to->length);

    if (rc >= 0)
        return 1;
    /* After EINTR the handshake goes on by itself; asking again would only say EALREADY. */
    if (errno != EINPROGRESS && errno != EINTR)
        return -errno;
    /* Over lo the answer is often there before connect() returns; seeing it now saves the caller a turn of its loop. */
    CULVERT_RETRY(rc, poll(&ready, 1, 0));
    if (rc <= 0)
        return 0;
    if ((ready.revents & (POLLERR | POLLHUP)) == 0)
        return 1;
    rc = culvert_socket_error(fd);
    return rc == 0 ? 1 : rc < 0 ? rc : -rc;
}

static int64_t connect_from(struct culvert_socket_request *request, const struct endpoint *to, uint32_t port)
{
    int rc, fd = culvert_socket_make(request, to->family, SOCK_STREAM, 0);

    if (fd < 0)
        return fd;
    rc = culvert_socket_tune(fd, request);
    if (rc >= 0)
        rc = bind_source(fd, to->family, request, port);
    if (rc >= 0) {
        rc = start_connect(fd, to);
        if (rc < 0)
            failed(request, CULVERT_STEP_CONNECT, rc);
    }
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd | (rc == 1 ? CULVERT_SOCKET_CONNECTED : 0);
}

int64_t culvert_socket_connect(struct culvert_socket_request *request)
{
    const int borrowed = (request->source_high | request->source_low) != 0;
    struct endpoint to;
    int64_t made = -EADDRINUSE;

    if (request->port > 65535)
        return failed(request, CULVERT_STEP_ARGUMENT, -EINVAL);
    endpoint_of(request->high, request->low, request->port, &to);
    for (int i = 0; borrowed && i < BORROWED_TRIES && (made == -EADDRINUSE || made == -EADDRNOTAVAIL); i++)
        made = connect_from(request, &to, borrowed_port());
    return made == -EADDRINUSE || made == -EADDRNOTAVAIL ? connect_from(request, &to, 0) : made;
}

int culvert_socket_error(int fd)
{
    return get(fd, SOL_SOCKET, SO_ERROR);
}

int culvert_socket_traits(int fd)
{
    int transparent, only6, domain = get(fd, SOL_SOCKET, SO_DOMAIN);

    if (domain < 0)
        return domain;
    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    transparent = domain == AF_INET ? get(fd, IPPROTO_IP, IP_TRANSPARENT) : get(fd, IPPROTO_IPV6, IPV6_TRANSPARENT);
    if (transparent < 0)
        return transparent;
    transparent = transparent != 0 ? CULVERT_SOCKET_IS_TRANSPARENT : 0;
    if (domain == AF_INET)
        return transparent;
    only6 = get(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (only6 < 0)
        return only6;
    return transparent | CULVERT_SOCKET_IS_V6 | (only6 ? 0 : CULVERT_SOCKET_IS_DUAL_STACK);
}

/* 1 found, 0 when connection tracking does not know the connection, or -errno. */
static int tracked(int fd, int level, int name, struct culvert_socket_address *out)
{
    struct endpoint original;
    socklen_t length = level == IPPROTO_IP ? sizeof original.as.v4 : sizeof original.as.v6;
    int rc;

    memset(&original, 0, sizeof original);
    CULVERT_RETRY(rc, getsockopt(fd, level, name, &original.as.any, &length));
    if (rc == -ENOENT || rc == -ENOPROTOOPT || rc == -EOPNOTSUPP)
        return 0;
    if (rc < 0)
        return rc;
    rc = address_of(&original, out);
    return rc < 0 ? rc : 1;
}

int culvert_socket_original(int fd, struct culvert_socket_address *out)
{
    /* IPv4 first, also on an IPv6 socket: a dual-stack listener's IPv4 peers are tracked as IPv4. */
    int rc = tracked(fd, IPPROTO_IP, SO_ORIGINAL_DST, out);

    if (rc == 0)
        rc = tracked(fd, IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST, out);
    if (rc != 0)
        return rc < 0 ? rc : CULVERT_SOCKET_FROM_NAT;
    rc = culvert_socket_local(fd, out);
    return rc < 0 ? rc : CULVERT_SOCKET_FROM_LOCAL;
}

int culvert_socket_local(int fd, struct culvert_socket_address *out)
{
    struct endpoint local;
    socklen_t length = sizeof local.as;
    int rc;

    memset(&local, 0, sizeof local);
    CULVERT_RETRY(rc, getsockname(fd, &local.as.any, &length));
    return rc < 0 ? rc : address_of(&local, out);
}

static int probe(int level, int name, uint32_t value)
{
    int fd, rc;

    CULVERT_RETRY(fd, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return fd;
    CULVERT_RETRY(rc, setsockopt(fd, level, name, &value, sizeof value));
    culvert_fdpass_close(fd);
    return rc;
}

int culvert_socket_probe_mark(uint32_t mark)
{
    return probe(SOL_SOCKET, SO_MARK, mark);
}

int culvert_socket_probe_transparent(void)
{
    return probe(IPPROTO_IP, IP_TRANSPARENT, 1);
}
