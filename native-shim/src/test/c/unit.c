/* Every function of the shim: what it does, and what it says when it cannot. */
#include "culvert_fdpass.h"
#include "culvert_netns.h"
#include "culvert_splice.h"
#include "culvert_tls.h"
#include "faults.h"
#include "lab.h"

#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;

    return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

static void test_errno(void)
{
    CHECK_EQ(CULVERT_ABI, culvert_errno_abi());
    CHECK_EQ(EAGAIN, culvert_errno_value("EAGAIN"));
    CHECK_EQ(-ENOENT, culvert_errno_value("ENOTHING"));
    CHECK(strcmp("connect", culvert_errno_step(CULVERT_STEP_CONNECT)) == 0);
    CHECK(culvert_errno_step(CULVERT_STEP_COUNT) == NULL);
    CHECK(culvert_errno_step(-1) == NULL);
}

static void test_netns_handles(void)
{
    struct culvert_netns_id id = { 0 }, other = { 0 };
    int fd = culvert_netns_current(&id);

    CHECK(fd >= 0);
    CHECK_EQ(lab_netns(), id.inode);
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    culvert_fdpass_close(fd);

    fd = culvert_netns_adopt(dup(lab_pod_fd), &other);
    CHECK(fd >= 0);
    CHECK_EQ(lab_inode(lab_pod_fd), other.inode);
    CHECK_EQ(id.device, other.device);
    CHECK(id.inode != other.inode);
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    culvert_fdpass_close(fd);
}

static void test_netns_refusals(void)
{
    struct culvert_netns_id id;
    int fd;

    CHECK_EQ(-ENOENT, culvert_netns_open("/nowhere", &id));
    CHECK_EQ(-EINVAL, culvert_netns_open("/etc/passwd", &id));
    CHECK_EQ(-EINVAL, culvert_netns_open("/proc/self/ns/user", &id));
    CHECK_EQ(0, mkfifo(lab_path("fifo"), 0600));
    CHECK_EQ(-EINVAL, culvert_netns_open(lab_path("fifo"), &id));
    CHECK_EQ(-EBADF, culvert_netns_adopt(-1, &id));
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(-EINVAL, culvert_netns_adopt(fd, &id));
    CHECK(fcntl(fd, F_GETFD) < 0);
}

static void test_netns_visit(void)
{
    CHECK_EQ(0, culvert_netns_visit(lab_home_fd, lab_pod_fd));
    CHECK_EQ(-EBADF, culvert_netns_visit(lab_home_fd, -1));
    CHECK_EQ(0, culvert_netns_enter(lab_pod_fd));
    CHECK_EQ(lab_inode(lab_pod_fd), lab_netns());
    culvert_netns_leave(lab_home_fd);
    CHECK_EQ(lab_inode(lab_home_fd), lab_netns());
}

static void test_listen_options(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    struct culvert_socket_request here = lab_request(0, V4(127, 0, 0, 1), 0);
    int fd, second;

    r.flags = CULVERT_SOCKET_REUSEPORT | CULVERT_SOCKET_TRANSPARENT | CULVERT_SOCKET_TRANSPARENT_REQUIRED;
    fd = culvert_socket_listen(&r);
    CHECK(fd >= 0);
    CHECK_EQ(CULVERT_SOCKET_IS_TRANSPARENT | CULVERT_SOCKET_IS_V6 | CULVERT_SOCKET_IS_DUAL_STACK,
             culvert_socket_traits(fd));
    CHECK_EQ(MARK, option(fd, SOL_SOCKET, SO_MARK));
    CHECK_EQ(1, option(fd, SOL_SOCKET, SO_REUSEPORT));
    CHECK_EQ(1, option(fd, SOL_SOCKET, SO_ACCEPTCONN));
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    r.port = lab_port(fd);
    second = culvert_socket_listen(&r);
    CHECK(second >= 0);
    culvert_fdpass_close(second);
    r.flags = 0;
    CHECK_EQ(-EADDRINUSE, culvert_socket_listen(&r));
    CHECK_EQ(CULVERT_STEP_BIND, r.step);
    /* The port is taken in the pod, not here. */
    here.port = r.port;
    here.pod_fd = -1;
    here.flags = 0;
    second = culvert_socket_listen(&here);
    CHECK(second >= 0);
    CHECK_EQ(0, culvert_socket_traits(second));
    culvert_fdpass_close(second);
    culvert_fdpass_close(fd);
    r.port = 65536;
    CHECK_EQ(-EINVAL, culvert_socket_listen(&r));
    CHECK_EQ(CULVERT_STEP_ARGUMENT, r.step);
}

static void test_listen_addresses(void)
{
    struct culvert_socket_request six = lab_request(0, 1, 0), foreign = lab_request(0, V4(192, 0, 2, 1), 0);
    int fd = culvert_socket_listen(&six);

    CHECK_EQ(CULVERT_SOCKET_IS_V6, culvert_socket_traits(fd));
    culvert_fdpass_close(fd);
    CHECK_EQ(-EADDRNOTAVAIL, culvert_socket_listen(&foreign));
    CHECK_EQ(CULVERT_STEP_BIND, foreign.step);
}

static void test_listen_without_ipv6(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    int fd;

    fault_arm_call("socket", -1, EAFNOSUPPORT);
    fd = culvert_socket_listen(&r);
    fault_disarm();
    CHECK(fd >= 0);
    CHECK_EQ(0, culvert_socket_traits(fd));
    culvert_fdpass_close(fd);

    fault_arm_call("bind", -1, EADDRNOTAVAIL);
    fd = culvert_socket_listen(&r);
    fault_disarm();
    CHECK_EQ(0, culvert_socket_traits(fd));
    culvert_fdpass_close(fd);

    r = lab_request(0, 1, 0);
    fault_arm_call("socket", -1, EAFNOSUPPORT);
    CHECK_EQ(-EAFNOSUPPORT, culvert_socket_listen(&r));
    fault_disarm();
    CHECK_EQ(CULVERT_STEP_SOCKET, r.step);
}

static void test_listen_without_permission(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    int fd;

    r.flags = CULVERT_SOCKET_TRANSPARENT;
    fault_arm_call("setsockopt", IPV6_TRANSPARENT, EPERM);
    fd = culvert_socket_listen(&r);
    fault_disarm();
    CHECK_EQ(0, culvert_socket_traits(fd) & CULVERT_SOCKET_IS_TRANSPARENT);
    culvert_fdpass_close(fd);

    r.flags = CULVERT_SOCKET_TRANSPARENT | CULVERT_SOCKET_TRANSPARENT_REQUIRED;
    fault_arm_call("setsockopt", IPV6_TRANSPARENT, EPERM);
    CHECK_EQ(-EPERM, culvert_socket_listen(&r));
    fault_disarm();
    CHECK_EQ(CULVERT_STEP_TRANSPARENT, r.step);

    r.pod_fd = lab_pod_fd + 1000;
    CHECK_EQ(-EBADF, culvert_socket_listen(&r));
    CHECK_EQ(CULVERT_STEP_SETNS, r.step);
}

static void test_datagram(void)
{
    struct culvert_socket_request r = lab_request(0, V4(127, 0, 0, 1), 0);
    int fd = culvert_socket_datagram(&r);

    CHECK(fd >= 0);
    CHECK_EQ(SOCK_DGRAM, option(fd, SOL_SOCKET, SO_TYPE));
    CHECK_EQ(MARK, option(fd, SOL_SOCKET, SO_MARK));
    CHECK(lab_port(fd) > 0);
    culvert_fdpass_close(fd);
}

static void check_connect(uint64_t high, uint64_t low)
{
    struct culvert_socket_request l = lab_request(0, 0, 0), c;
    struct culvert_socket_address at = { 0 };
    int listener = culvert_socket_listen(&l), fd, peer;
    int64_t made;

    c = lab_request(high, low, lab_port(listener));
    made = culvert_socket_connect(&c);
    CHECK(made >= 0);
    CHECK((made & CULVERT_SOCKET_CONNECTED) != 0);
    fd = (int)made;
    CHECK_EQ(0, culvert_socket_error(fd));
    CHECK_EQ(MARK, option(fd, SOL_SOCKET, SO_MARK));
    CHECK_EQ(1, option(fd, SOL_SOCKET, SO_KEEPALIVE));
    CHECK_EQ(180, option(fd, IPPROTO_TCP, TCP_KEEPIDLE));
    CHECK_EQ(90, option(fd, IPPROTO_TCP, TCP_KEEPINTVL));
    CHECK_EQ(9, option(fd, IPPROTO_TCP, TCP_KEEPCNT));
    CHECK_EQ(7000, option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
    CHECK_EQ(1, option(fd, IPPROTO_TCP, TCP_NODELAY));
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));

    peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(peer >= 0);
    CHECK_EQ(CULVERT_SOCKET_FROM_LOCAL, culvert_socket_original(peer, &at));
    CHECK_EQ(high, at.high);
    CHECK_EQ(low, at.low);
    CHECK_EQ(lab_port(listener), at.port);
    c.mark = 0x77;
    CHECK_EQ(0, culvert_socket_tune(peer, &c));
    CHECK_EQ(0x77, option(peer, SOL_SOCKET, SO_MARK));
    CHECK_EQ(180, option(peer, IPPROTO_TCP, TCP_KEEPIDLE));
    CHECK_EQ(0, culvert_socket_mark(peer, 0x78));
    CHECK_EQ(0x78, option(peer, SOL_SOCKET, SO_MARK));
    culvert_fdpass_close(peer);
    culvert_fdpass_close(fd);
    culvert_fdpass_close(listener);
    CHECK_EQ(-ECONNREFUSED, culvert_socket_connect(&c));
    CHECK_EQ(CULVERT_STEP_CONNECT, c.step);
}

static void test_connect(void)
{
    check_connect(0, V4(127, 0, 0, 1));
    check_connect(0, 1);
}

static void test_connect_bare(void)
{
    struct culvert_socket_request l = lab_request(0, 0, 0), c;
    int listener = culvert_socket_listen(&l);
    int64_t made;

    c = (struct culvert_socket_request){ .low = V4(127, 0, 0, 1), .port = lab_port(listener),
        .home_fd = lab_home_fd, .pod_fd = lab_pod_fd };
    made = culvert_socket_connect(&c);
    CHECK(made >= 0);
    CHECK_EQ(0, option((int)made, SOL_SOCKET, SO_KEEPALIVE));
    CHECK_EQ(0, option((int)made, IPPROTO_TCP, TCP_NODELAY));
    CHECK_EQ(0, option((int)made, SOL_SOCKET, SO_MARK));
    culvert_fdpass_close((int)made);
    culvert_fdpass_close(listener);
}

static void test_connect_from_source(void)
{
    struct culvert_socket_request l = lab_request(0, 0, 0), c;
    struct culvert_socket_address at = { 0 };
    int listener = culvert_socket_listen(&l);
    int64_t made;

    /* 127.0.0.5 needs no route of its own; addresses that do are the Java tests' subject. */
    c = lab_request(0, V4(127, 0, 0, 1), lab_port(listener));
    c.source_low = V4(127, 0, 0, 5);
    made = culvert_socket_connect(&c);
    CHECK(made >= 0);
    CHECK_EQ(0, culvert_socket_local((int)made, &at));
    CHECK_EQ(V4(127, 0, 0, 5), at.low);
    /* Not one that the owner of the address would have chosen for itself. */
    CHECK(at.port >= 10000 && at.port < 30000);
    culvert_fdpass_close((int)made);
    culvert_fdpass_close(listener);

    c.source_low = 1;
    CHECK_EQ(-EAFNOSUPPORT, culvert_socket_connect(&c));
    CHECK_EQ(CULVERT_STEP_BIND, c.step);
    c.port = 65536;
    CHECK_EQ(-EINVAL, culvert_socket_connect(&c));
    CHECK_EQ(CULVERT_STEP_ARGUMENT, c.step);
}

static void test_connect_under_way(void)
{
    struct culvert_socket_request l = lab_request(0, 0, 0), c;
    int listener = culvert_socket_listen(&l);
    int64_t made;

    /* Nobody answers a SYN that claims to come from an address without a route back, so the attempt stays open. */
    c = lab_request(0, V4(127, 0, 0, 1), lab_port(listener));
    c.source_low = V4(198, 51, 100, 7);
    made = culvert_socket_connect(&c);
    CHECK(made >= 0);
    CHECK_EQ(0, made & CULVERT_SOCKET_CONNECTED);
    CHECK_EQ(0, culvert_socket_error((int)made));
    culvert_fdpass_close((int)made);
    culvert_fdpass_close(listener);
    c = lab_request(0, V4(192, 0, 2, 1), 80);
    CHECK_EQ(-ENETUNREACH, culvert_socket_connect(&c));
    CHECK_EQ(CULVERT_STEP_CONNECT, c.step);
}

static void test_original_refusals(void)
{
    struct culvert_socket_address at = { 0 };
    int pair[2];

    CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    CHECK_EQ(-EAFNOSUPPORT, culvert_socket_original(pair[0], &at));
    CHECK_EQ(-EAFNOSUPPORT, culvert_socket_traits(pair[0]));
    culvert_fdpass_close(pair[0]);
    culvert_fdpass_close(pair[1]);
    CHECK_EQ(-EBADF, culvert_socket_original(-1, &at));
    CHECK_EQ(-EBADF, culvert_socket_local(-1, &at));
    CHECK_EQ(-EBADF, culvert_socket_error(-1));
    CHECK_EQ(-EBADF, culvert_socket_mark(-1, 1));
    CHECK_EQ(-EBADF, culvert_socket_traits(-1));
    CHECK_EQ(-EBADF, culvert_fdpass_close(-1));
}

static void test_probes(void)
{
    CHECK_EQ(0, culvert_socket_probe_mark(MARK));
    CHECK_EQ(0, culvert_socket_probe_transparent());
    fault_arm_call("setsockopt", SO_MARK, EPERM);
    CHECK_EQ(-EPERM, culvert_socket_probe_mark(MARK));
    fault_disarm();
}

static void test_splice(void)
{
    struct culvert_splice_pipe p = { -1, -1 };
    char back[8] = "";
    int in[2], out[2], capacity = culvert_splice_open(1 << 18, &p);

    CHECK(capacity >= 1 << 18);
    CHECK_EQ(capacity, fcntl(p.read_fd, F_GETPIPE_SZ));
    CHECK_EQ(FD_CLOEXEC, fcntl(p.write_fd, F_GETFD));
    CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, in));
    CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out));
    CHECK_EQ(-EAGAIN, culvert_splice_move(in[1], p.write_fd, 100, 0));
    CHECK_EQ(5, write(in[0], "hello", 5));
    CHECK_EQ(5, culvert_splice_move(in[1], p.write_fd, 100, CULVERT_SPLICE_MORE));
    CHECK_EQ(5, culvert_splice_move(p.read_fd, out[0], 100, 0));
    CHECK_EQ(-EAGAIN, culvert_splice_move(p.read_fd, out[0], 100, 0));
    CHECK_EQ(5, read(out[1], back, sizeof back));
    CHECK(memcmp("hello", back, 5) == 0);
    shutdown(in[0], SHUT_WR);
    CHECK_EQ(0, culvert_splice_move(in[1], p.write_fd, 100, 0));
    CHECK_EQ(-EBADF, culvert_splice_move(-1, p.write_fd, 100, 0));
    CHECK_EQ(-EINVAL, culvert_splice_move(in[1], out[0], 100, 0));
    for (int i = 0; i < 2; i++) {
        culvert_fdpass_close(in[i]);
        culvert_fdpass_close(out[i]);
    }
    culvert_fdpass_close(p.read_fd);
    culvert_fdpass_close(p.write_fd);
    CHECK_EQ(-EINVAL, culvert_splice_open(UINT32_MAX, &p));
    fault_arm_call("fcntl", F_SETPIPE_SZ, EPERM);
    capacity = culvert_splice_open(1 << 18, &p);
    fault_disarm();
    CHECK_EQ(1 << 17, capacity);
    culvert_fdpass_close(p.read_fd);
    culvert_fdpass_close(p.write_fd);
}

static struct culvert_tls_keys keys_of(uint32_t cipher, uint8_t seed, uint64_t sequence)
{
    struct culvert_tls_keys keys = { .sequence = sequence, .cipher = cipher };

    memset(keys.key, seed, sizeof keys.key);
    memset(keys.iv, seed + 1, sizeof keys.iv);
    return keys;
}

static int is_wiped(const struct culvert_tls_keys *keys)
{
    const struct culvert_tls_keys none = { 0 };

    return memcmp(keys, &none, sizeof none) == 0;
}

static void tcp_pair(int *client, int *server)
{
    struct culvert_socket_request l = lab_request(0, V4(127, 0, 0, 1), 0), c;
    const int listener = culvert_socket_listen(&l);

    c = lab_request(0, V4(127, 0, 0, 1), lab_port(listener));
    *client = (int)culvert_socket_connect(&c);
    *server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(*client >= 0 && *server >= 0);
    culvert_fdpass_close(listener);
}

static int64_t record_within(int fd, void *into, uint32_t capacity)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    int64_t rc;

    while ((rc = culvert_tls_receive(fd, into, capacity)) == -EAGAIN && poll(&wait, 1, 5000) > 0)
        ;
    return rc;
}

/* Records go both ways as they are, after `sequence` others. */
static void tls_records(uint32_t cipher, uint64_t sequence)
{
    int client, server;
    char in[64] = "";
    struct culvert_tls_keys keys;

    tcp_pair(&client, &server);
    CHECK_EQ(0, culvert_tls_attach(client));
    CHECK_EQ(0, culvert_tls_attach(server));
    CHECK_EQ(-EEXIST, culvert_tls_attach(server));
    keys = keys_of(cipher, 1, sequence);
    CHECK_EQ(0, culvert_tls_send_keys(client, &keys));
    CHECK(is_wiped(&keys));
    keys = keys_of(cipher, 1, sequence);
    CHECK_EQ(0, culvert_tls_receive_keys(server, &keys));
    CHECK_EQ(-EAGAIN, culvert_tls_receive(server, in, sizeof in));
    CHECK_EQ(5, write(client, "hello", 5));
    CHECK_EQ(INT64_C(23) << 32 | 5, record_within(server, in, sizeof in));
    CHECK(memcmp(in, "hello", 5) == 0);
    CHECK_EQ(2, culvert_tls_send(client, 21, "\1\0", 2));
    CHECK_EQ(4, write(client, "more", 4));
    CHECK_EQ(INT64_C(21) << 32 | 1, record_within(server, in, 1));
    /* Reading without asking for the type is refused, and loses nothing. */
    CHECK_EQ(-1, read(server, in, sizeof in));
    CHECK_EQ(EIO, errno);
    CHECK_EQ(INT64_C(21) << 32 | 1, record_within(server, in, sizeof in));
    CHECK_EQ(INT64_C(23) << 32 | 4, record_within(server, in, sizeof in));
    CHECK_EQ(4, culvert_tls_send_ahead(client, "head", 4));
    CHECK_EQ(-EAGAIN, culvert_tls_receive(server, in, sizeof in));
    CHECK_EQ(4, write(client, "tail", 4));
    CHECK_EQ(INT64_C(23) << 32 | 8, record_within(server, in, sizeof in));
    CHECK(memcmp(in, "headtail", 8) == 0);
    CHECK(culvert_tls_unsent(client) >= 0);
    shutdown(client, SHUT_WR);
    CHECK_EQ(0, record_within(server, in, sizeof in));
    culvert_fdpass_close(client);
    culvert_fdpass_close(server);
}

static void tls_forged(void)
{
    int client, server;
    char in[64];
    struct culvert_tls_keys keys = keys_of(CULVERT_TLS_AES_128_GCM, 1, 0);

    tcp_pair(&client, &server);
    CHECK_EQ(0, culvert_tls_attach(server));
    CHECK_EQ(0, culvert_tls_receive_keys(server, &keys));
    memset(in, 7, sizeof in);
    memcpy(in, "\x17\x03\x03\x00\x3b", 5);
    CHECK_EQ(sizeof in, write(client, in, sizeof in));
    CHECK_EQ(-EBADMSG, record_within(server, in, sizeof in));
    culvert_fdpass_close(client);
    culvert_fdpass_close(server);
}

static void tls_absent(void)
{
    int client, server;
    char in[4];
    struct culvert_tls_keys keys = keys_of(CULVERT_TLS_AES_256_GCM, 1, 0);

    tcp_pair(&client, &server);
    CHECK_EQ(-ENOENT, culvert_tls_attach(client));
    CHECK_EQ(-ENOENT, culvert_tls_probe(CULVERT_TLS_AES_256_GCM));
    CHECK(culvert_tls_send_keys(client, &keys) < 0);
    CHECK(is_wiped(&keys));
    CHECK_EQ(5, write(client, "plain", 5));
    CHECK_EQ(-EPROTO, record_within(server, in, sizeof in));
    culvert_fdpass_close(client);
    culvert_fdpass_close(server);
}

static void test_tls(void)
{
    struct culvert_tls_keys keys = keys_of(99, 1, 0);
    int client, server, has_tls;

    tcp_pair(&client, &server);
    has_tls = culvert_tls_attach(client) == 0;
    CHECK_EQ(-EINVAL, culvert_tls_send_keys(client, &keys));
    CHECK(is_wiped(&keys));
    CHECK_EQ(-EINVAL, culvert_tls_send(client, 256, "x", 1));
    CHECK_EQ(0, culvert_tls_unsent(client));
    CHECK_EQ(-EBADF, culvert_tls_unsent(-1));
    culvert_fdpass_close(client);
    culvert_fdpass_close(server);
    printf("  kernel TLS: %s\n", has_tls ? "there" : "absent, so that its absence is what is tested");
    if (!has_tls) {
        tls_absent();
        return;
    }
    for (uint32_t cipher = CULVERT_TLS_AES_128_GCM; cipher <= CULVERT_TLS_CHACHA20_POLY1305; cipher++) {
        CHECK(culvert_tls_probe(cipher) >= 0);
        tls_records(cipher, 0);
        tls_records(cipher, UINT64_C(0x0102030405060708));
    }
    CHECK_EQ(-EINVAL, culvert_tls_probe(99));
    tls_forged();
}

struct link {
    int listener, client, server;
};

static struct link linked(void)
{
    struct link l;

    l.listener = culvert_fdpass_listen(lab_path("link"), 4, 0600);
    l.client = culvert_fdpass_connect(lab_path("link"));
    l.server = culvert_fdpass_accept(l.listener, 1000);
    CHECK(l.listener >= 0 && l.client >= 0 && l.server >= 0);
    return l;
}

static void unlinked(struct link l)
{
    culvert_fdpass_close(l.client);
    culvert_fdpass_close(l.server);
    culvert_fdpass_close(l.listener);
}

static void test_fdpass_messages(void)
{
    struct link l = linked();
    char in[16] = "";
    int32_t fd = 77;

    CHECK_EQ(5, culvert_fdpass_send(l.client, "hello", 5, -1, 0));
    CHECK_EQ(5, culvert_fdpass_receive(l.server, in, sizeof in, &fd, 1000));
    CHECK_EQ(-1, fd);
    CHECK(memcmp("hello", in, 5) == 0);
    CHECK_EQ(3, culvert_fdpass_send(l.server, "add", 3, lab_pod_fd, -1));
    CHECK_EQ(3, culvert_fdpass_receive(l.client, in, sizeof in, &fd, -1));
    CHECK(fd >= 0 && fd != lab_pod_fd);
    CHECK_EQ(lab_inode(lab_pod_fd), lab_inode(fd));
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    culvert_fdpass_close(fd);
    CHECK_EQ(-EINVAL, culvert_fdpass_send(l.client, "", 0, -1, 0));
    CHECK_EQ(-ETIMEDOUT, culvert_fdpass_receive(l.server, in, sizeof in, &fd, 5));
    CHECK_EQ(-ETIMEDOUT, culvert_fdpass_accept(l.listener, 0));
    culvert_fdpass_shutdown(l.client);
    CHECK_EQ(0, culvert_fdpass_receive(l.server, in, sizeof in, &fd, 1000));
    CHECK_EQ(-EPIPE, culvert_fdpass_send(l.server, "late", 4, -1, 0));
    CHECK_EQ(-EBADF, culvert_fdpass_shutdown(-1));
    unlinked(l);
}

static void test_fdpass_full(void)
{
    struct link l = linked();
    char big[1024] = "";
    int rc = 0;

    for (int i = 0; i < 10000 && rc >= 0; i++)
        rc = culvert_fdpass_send(l.client, big, sizeof big, -1, 1);
    CHECK_EQ(-ETIMEDOUT, rc);
    unlinked(l);
}

static void send_raw(int socket, size_t length, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 253)];
    } control = { 0 };
    struct iovec part = { .iov_base = (char[64]){ 0 }, .iov_len = length };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(sizeof(int) * count) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    CHECK_EQ(length, sendmsg(socket, &m, MSG_NOSIGNAL));
}

static void check_refused(int expected, size_t length, size_t fds)
{
    struct link l = linked();
    const int before = lab_fd_count();
    int32_t fd = 77;
    char in[16];
    int many[253];

    for (size_t i = 0; i < fds; i++)
        many[i] = lab_pod_fd;
    send_raw(l.client, length, many, fds);
    CHECK_EQ(expected, culvert_fdpass_receive(l.server, in, sizeof in, &fd, 1000));
    CHECK_EQ(-1, fd);
    CHECK_EQ(before, lab_fd_count());
    unlinked(l);
}

static void test_fdpass_refusals(void)
{
    check_refused(-EPROTO, 4, 2);
    check_refused(-EPROTO, 4, 253);
    check_refused(-EPROTO, 0, 1);
    check_refused(-EMSGSIZE, 17, 1);
    check_refused(-EMSGSIZE, 17, 2);
}

static void test_fdpass_without_room(void)
{
    struct link l = linked();
    struct rlimit limit, low;
    int32_t fd = 77;
    char in[16];
    int top;

    send_raw(l.client, 4, &lab_pod_fd, 1);
    CHECK_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
    top = dup(0);
    low = limit;
    low.rlim_cur = (rlim_t)top;
    close(top);
    CHECK_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
    CHECK_EQ(-EMFILE, culvert_fdpass_receive(l.server, in, sizeof in, &fd, 1000));
    CHECK_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_EQ(-1, fd);
    unlinked(l);
}

static void test_fdpass_paths(void)
{
    const char *too_long =
        "/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct stat st = { 0 };
    int fd, second;

    CHECK_EQ(-ENAMETOOLONG, culvert_fdpass_listen(too_long, 4, 0600));
    CHECK_EQ(-ENAMETOOLONG, culvert_fdpass_connect(too_long));
    CHECK_EQ(-EINVAL, culvert_fdpass_connect(""));
    CHECK_EQ(-ENOENT, culvert_fdpass_connect(lab_path("absent")));
    fd = culvert_fdpass_listen(lab_path("path"), 4, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(0, stat(lab_path("path"), &st));
    CHECK_EQ(0600, st.st_mode & 0777);
    CHECK_EQ(-EADDRINUSE, culvert_fdpass_listen(lab_path("path"), 4, 0600));
    culvert_fdpass_close(fd);
    CHECK_EQ(-ECONNREFUSED, culvert_fdpass_connect(lab_path("path")));
    second = culvert_fdpass_listen(lab_path("path"), 4, 0600);
    CHECK(second >= 0);
    culvert_fdpass_close(second);
    fd = open(lab_path("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_EQ(-EADDRINUSE, culvert_fdpass_listen(lab_path("file"), 4, 0600));
    culvert_fdpass_close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        memcpy(at.sun_path, lab_path("stream"), strlen(lab_path("stream")));
        CHECK_EQ(0, bind(fd, (struct sockaddr *)&at, sizeof at));
    }
    CHECK_EQ(0, listen(fd, 1));
    CHECK_EQ(-EADDRINUSE, culvert_fdpass_listen(lab_path("stream"), 4, 0600));
    culvert_fdpass_close(fd);
}

int run_unit(void)
{
    static void (*const tests[])(void) = {
        test_errno, test_netns_handles, test_netns_refusals, test_netns_visit, test_listen_options,
        test_listen_addresses, test_listen_without_ipv6, test_listen_without_permission, test_datagram, test_connect,
        test_connect_bare, test_connect_from_source, test_connect_under_way, test_original_refusals, test_probes,
        test_splice, test_tls, test_fdpass_messages, test_fdpass_full, test_fdpass_refusals, test_fdpass_without_room,
        test_fdpass_paths, test_watch_tables, test_watch_routes, test_watch_that_lost_notices, test_watch_refusals,
        test_watch_digest,
    };
    const int before = lab_fd_count();

    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i]();
        CHECK_EQ(before, lab_fd_count());
        CHECK_EQ(lab_inode(lab_home_fd), lab_netns());
    }
    return 0;
}
