/* What both test programs stand on: two private network namespaces, and checks that name their line. */
#ifndef LAB_H
#define LAB_H

#include "culvert_socket.h"

#include <stdio.h>

#define MARK 0x539u
#define V4(a, b, c, d) (UINT64_C(0xffff) << 32 | (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

extern int lab_home_fd, lab_pod_fd, lab_failures, lab_checks;

#define CHECK(condition)                                                              \
    do {                                                                              \
        lab_checks++;                                                                 \
        if (!(condition)) {                                                           \
            lab_failures++;                                                           \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition); \
        }                                                                             \
    } while (0)

#define CHECK_EQ(expected, actual)                                                    \
    do {                                                                              \
        const long long e_ = (long long)(expected), a_ = (long long)(actual);         \
        lab_checks++;                                                                 \
        if (e_ != a_) {                                                               \
            lab_failures++;                                                           \
            fprintf(stderr, "%s:%d: %s: %s is %lld, not %s = %lld\n", __FILE__, __LINE__, __func__, #actual, a_, \
                    #expected, e_);                                                   \
        }                                                                             \
    } while (0)

/* Moves into a fresh namespace, `home`, and makes another, `pod`; lo is up in both. Ends the program if it may not. */
void lab_enter(void);

/* A directory of our own, for socket files; removed with what is in it by lab_leave. */
const char *lab_path(const char *name);
void lab_leave(void);

int lab_fd_count(void);

/* The inode of the calling thread's network namespace. */
uint64_t lab_netns(void);
uint64_t lab_inode(int fd);

/* A request to be made in the pod. */
struct culvert_socket_request lab_request(uint64_t high, uint64_t low, uint32_t port);

uint32_t lab_port(int fd);

void test_watch_tables(void);
void test_watch_routes(void);
void test_watch_that_lost_notices(void);
void test_watch_refusals(void);
void test_watch_digest(void);

int run_unit(void);
int run_sweep(void);

#endif
