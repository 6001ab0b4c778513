/* TLS records made and read by the kernel, on a connected TCP socket whose handshake was done elsewhere. */
#ifndef CULVERT_TLS_H
#define CULVERT_TLS_H

#include "culvert_errno.h"

#define CULVERT_TLS_KEY_BYTES 32
#define CULVERT_TLS_IV_BYTES 12

enum culvert_tls_cipher { CULVERT_TLS_AES_128_GCM = 1, CULVERT_TLS_AES_256_GCM = 2, CULVERT_TLS_CHACHA20_POLY1305 = 3 };

/* What one direction of TLS 1.3 is protected with (RFC 8446, section 7.3). */
struct culvert_tls_keys {
    uint64_t sequence;                  /*  0: how many records went before under these keys */
    uint32_t cipher;                    /*  8: enum culvert_tls_cipher */
    uint8_t key[CULVERT_TLS_KEY_BYTES]; /* 12: its first 16 octets for AES-128 */
    uint8_t iv[CULVERT_TLS_IV_BYTES];   /* 44 */
};

/* Gives the socket to the kernel's TLS; it stays as it is until it has keys. -ENOENT where the kernel has none. */
CULVERT_API int culvert_tls_attach(int fd);

/* From the next octet on all that is written is protected. The keys are wiped. */
CULVERT_API int culvert_tls_send_keys(int fd, struct culvert_tls_keys *keys);

/* From the next octet on all that comes is taken for records. The keys are wiped. */
CULVERT_API int culvert_tls_receive_keys(int fd, struct culvert_tls_keys *keys);

/* Sends one record of a type of its own, such as an alert: `length`, or -errno. */
CULVERT_API int culvert_tls_send(int fd, uint32_t type, const void *bytes, uint32_t length);

/* Sends octets of a record that what is sent next completes: how many, or -errno. */
CULVERT_API int culvert_tls_send_ahead(int fd, const void *bytes, uint32_t length);

/*
 * Receives octets of records of one type: the type << 32 | how many, 0 at the end of the connection. -EBADMSG: a record
 * that does not decrypt. -EKEYEXPIRED: the peer changed its keys, and the new ones are to be told first.
 */
CULVERT_API int64_t culvert_tls_receive(int fd, void *bytes, uint32_t capacity);

/* How many octets are with TCP that the peer has not acknowledged. */
CULVERT_API int culvert_tls_unsent(int fd);

/*
 * Tries it with a cipher on a connection of its own, by way of lo: 0 when keys can be given once, 1 when they can be
 * changed later, or -errno.
 */
CULVERT_API int culvert_tls_probe(uint32_t cipher);

#endif
