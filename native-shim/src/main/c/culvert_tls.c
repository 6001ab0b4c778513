#include "culvert_tls.h"
#include "culvert_fdpass.h"

#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

union crypto_info {
    struct tls_crypto_info info;
    struct tls12_crypto_info_aes_gcm_128 aes_128;
    struct tls12_crypto_info_aes_gcm_256 aes_256;
    struct tls12_crypto_info_chacha20_poly1305 chacha20;
};

/* GCM's nonce is kept in two parts, which are one in TLS 1.3. */
#define FILL_GCM(out, from, sequence)                                             \
    do {                                                                          \
        memcpy((out)->key, (from)->key, sizeof (out)->key);                       \
        memcpy((out)->salt, (from)->iv, sizeof (out)->salt);                      \
        memcpy((out)->iv, (from)->iv + sizeof (out)->salt, sizeof (out)->iv);     \
        memcpy((out)->rec_seq, (sequence), sizeof (out)->rec_seq);                \
    } while (0)

/* The length of what was filled in, or -EINVAL. */
static int fill(const struct culvert_tls_keys *keys, union crypto_info *out)
{
    uint8_t sequence[8];

    for (int i = 0; i < 8; i++)
        sequence[i] = (uint8_t)(keys->sequence >> (56 - 8 * i));
    memset(out, 0, sizeof *out);
    out->info.version = TLS_1_3_VERSION;
    switch (keys->cipher) {
    case CULVERT_TLS_AES_128_GCM:
        out->info.cipher_type = TLS_CIPHER_AES_GCM_128;
        FILL_GCM(&out->aes_128, keys, sequence);
        return sizeof out->aes_128;
    case CULVERT_TLS_AES_256_GCM:
        out->info.cipher_type = TLS_CIPHER_AES_GCM_256;
        FILL_GCM(&out->aes_256, keys, sequence);
        return sizeof out->aes_256;
    case CULVERT_TLS_CHACHA20_POLY1305:
        out->info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
        memcpy(out->chacha20.key, keys->key, sizeof out->chacha20.key);
        memcpy(out->chacha20.iv, keys->iv, sizeof out->chacha20.iv);
        memcpy(out->chacha20.rec_seq, sequence, sizeof out->chacha20.rec_seq);
        return sizeof out->chacha20;
    default:
        return -EINVAL;
    }
}

static int set_keys(int fd, int direction, struct culvert_tls_keys *keys)
{
    union crypto_info info;
    int rc, length = fill(keys, &info);

    explicit_bzero(keys, sizeof *keys);
    if (length < 0)
        return length;
    CULVERT_RETRY(rc, setsockopt(fd, SOL_TLS, direction, &info, (socklen_t)length));
    explicit_bzero(&info, sizeof info);
    return rc;
}

int culvert_tls_attach(int fd)
{
    int rc;

    CULVERT_RETRY(rc, setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls"));
    return rc;
}

int culvert_tls_send_keys(int fd, struct culvert_tls_keys *keys)
{
    return set_keys(fd, TLS_TX, keys);
}

int culvert_tls_receive_keys(int fd, struct culvert_tls_keys *keys)
{
    return set_keys(fd, TLS_RX, keys);
}

int culvert_tls_send(int fd, uint32_t type, const void *bytes, uint32_t length)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint8_t))] = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    ssize_t rc;

    if (type > UINT8_MAX || length > INT32_MAX)
        return -EINVAL;
    head->cmsg_level = SOL_TLS;
    head->cmsg_type = TLS_SET_RECORD_TYPE;
    head->cmsg_len = CMSG_LEN(sizeof(uint8_t));
    *CMSG_DATA(head) = (uint8_t)type;
    CULVERT_RETRY(rc, sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT));
    return (int)rc;
}

int culvert_tls_send_ahead(int fd, const void *bytes, uint32_t length)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
    const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t rc;

    if (length > INT32_MAX)
        return -EINVAL;
    CULVERT_RETRY(rc, sendmsg(fd, &msg, MSG_MORE | MSG_NOSIGNAL | MSG_DONTWAIT));
    return (int)rc;
}

int64_t culvert_tls_receive(int fd, void *bytes, uint32_t capacity)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint8_t))];
    struct iovec iov = { .iov_base = bytes, .iov_len = capacity };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    const struct cmsghdr *head;
    ssize_t rc;

    if (capacity > INT32_MAX)
        return -EINVAL;
    CULVERT_RETRY(rc, recvmsg(fd, &msg, MSG_DONTWAIT));
    if (rc < 0)
        return rc;
    head = CMSG_FIRSTHDR(&msg);
    if (head == NULL || head->cmsg_level != SOL_TLS || head->cmsg_type != TLS_GET_RECORD_TYPE)
        /* Nothing but the end comes without a type. */
        return rc == 0 ? 0 : -EPROTO;
    return (int64_t)*CMSG_DATA(head) << 32 | rc;
}

int culvert_tls_unsent(int fd)
{
    int rc, octets = 0;

    CULVERT_RETRY(rc, ioctl(fd, SIOCOUTQ, &octets));
    return rc < 0 ? rc : octets;
}

static int try_keys(int fd, uint32_t cipher)
{
    const struct culvert_tls_keys zero = { .cipher = cipher };
    struct culvert_tls_keys keys = zero;
    int rc = culvert_tls_attach(fd);

    if (rc < 0)
        return rc;
    rc = culvert_tls_send_keys(fd, &keys);
    if (rc < 0)
        return rc;
    keys = zero;
    rc = culvert_tls_receive_keys(fd, &keys);
    if (rc < 0)
        return rc;
    keys = zero;
    return culvert_tls_send_keys(fd, &keys) == 0;
}

static int connected(int listener)
{
    struct sockaddr_in at = { 0 };
    socklen_t length = sizeof at;
    int rc, fd;

    CULVERT_RETRY(rc, listen(listener, 1));
    if (rc < 0)
        return rc;
    CULVERT_RETRY(rc, getsockname(listener, (struct sockaddr *)&at, &length));
    if (rc < 0)
        return rc;
    CULVERT_RETRY(fd, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return fd;
    CULVERT_RETRY(rc, connect(fd, (struct sockaddr *)&at, length));
    /* Interrupted, it goes on by itself. */
    if (rc < 0 && rc != -EALREADY && rc != -EISCONN) {
        culvert_fdpass_close(fd);
        return rc;
    }
    return fd;
}

int culvert_tls_probe(uint32_t cipher)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int rc, fd, listener;

    CULVERT_RETRY(listener, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (listener < 0)
        return listener;
    CULVERT_RETRY(rc, bind(listener, (struct sockaddr *)&any, sizeof any));
    if (rc >= 0) {
        fd = connected(listener);
        rc = fd < 0 ? fd : try_keys(fd, cipher);
        if (fd >= 0)
            culvert_fdpass_close(fd);
    }
    culvert_fdpass_close(listener);
    return rc;
}
