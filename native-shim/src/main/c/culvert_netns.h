/* Network namespaces: handles to them, and the one way into a pod's and back. */
#ifndef CULVERT_NETNS_H
#define CULVERT_NETNS_H

#include "culvert_errno.h"

/* The inode and device of a namespace: equal for two handles exactly when both mean the same namespace. */
struct culvert_netns_id {
    uint64_t inode;  /* 0 */
    uint64_t device; /* 8 */
};

/* A handle to the namespace mounted at path; what is found there must be a network namespace (-EINVAL). */
CULVERT_API int culvert_netns_open(const char *path, struct culvert_netns_id *id);

/* A handle to the calling thread's own namespace. */
CULVERT_API int culvert_netns_current(struct culvert_netns_id *id);

/* Takes over fd: sets CLOEXEC, checks that it is a network namespace, returns it. Closes it when it refuses it. */
CULVERT_API int culvert_netns_adopt(int fd, struct culvert_netns_id *id);

/* Goes into the namespace and comes home again: 0, or why the thread may not. */
CULVERT_API int culvert_netns_visit(int home_fd, int pod_fd);

/* Puts the calling thread into a namespace: 0 or -errno. Every success is followed by culvert_netns_leave. */
int culvert_netns_enter(int pod_fd);

/* Brings the calling thread home, or ends the process: a thread left in a pod's namespace would answer for that pod. */
void culvert_netns_leave(int home_fd);

#endif
