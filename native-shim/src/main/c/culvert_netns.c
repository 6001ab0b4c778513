#include "culvert_netns.h"
#include "culvert_fdpass.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int identify(int fd, struct culvert_netns_id *id)
{
    struct statfs fs;
    struct stat st;
    int rc;

    CULVERT_RETRY(rc, fstatfs(fd, &fs));
    if (rc < 0)
        return rc;
    if (fs.f_type != NSFS_MAGIC)
        return -EINVAL;
    CULVERT_RETRY(rc, ioctl(fd, NS_GET_NSTYPE));
    if (rc < 0)
        return rc;
    if (rc != CLONE_NEWNET)
        return -EINVAL;
    CULVERT_RETRY(rc, fstat(fd, &st));
    if (rc < 0)
        return rc;
    id->inode = st.st_ino;
    id->device = st.st_dev;
    return 0;
}

int culvert_netns_open(const char *path, struct culvert_netns_id *id)
{
    int fd, rc;

    /* O_NONBLOCK: should the path be a FIFO, the open must not wait for its writer. */
    CULVERT_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd < 0)
        return fd;
    rc = identify(fd, id);
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

int culvert_netns_current(struct culvert_netns_id *id)
{
    return culvert_netns_open("/proc/thread-self/ns/net", id);
}

int culvert_netns_adopt(int fd, struct culvert_netns_id *id)
{
    int rc;

    CULVERT_RETRY(rc, fcntl(fd, F_SETFD, FD_CLOEXEC));
    if (rc >= 0)
        rc = identify(fd, id);
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

int culvert_netns_enter(int pod_fd)
{
    int rc;

    CULVERT_RETRY(rc, setns(pod_fd, CLONE_NEWNET));
    return rc;
}

void culvert_netns_leave(int home_fd)
{
    static const char last_words[] = "culvert: cannot return to the agent's network namespace; ending the process\n";
    int rc;

    CULVERT_RETRY(rc, setns(home_fd, CLONE_NEWNET));
    if (rc >= 0)
        return;
    if (write(STDERR_FILENO, last_words, sizeof last_words - 1) < 0)
        abort();
    abort();
}

int culvert_netns_visit(int home_fd, int pod_fd)
{
    int rc = culvert_netns_enter(pod_fd);

    if (rc >= 0)
        culvert_netns_leave(home_fd);
    return rc;
}
