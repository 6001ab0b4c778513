#include "lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int lab_home_fd = -1, lab_pod_fd = -1, lab_failures, lab_checks;

static char directory[] = "/tmp/culvert-test-XXXXXX";

static void fresh_netns(int *fd)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int control;

    if (unshare(CLONE_NEWNET) < 0) {
        perror("culvert-test: cannot make a network namespace; run it as root (CAP_SYS_ADMIN)");
        exit(2);
    }
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (control < 0 || *fd < 0 || ioctl(control, SIOCSIFFLAGS, &lo) < 0) {
        perror("culvert-test: cannot set up a network namespace");
        exit(2);
    }
    close(control);
}

void lab_enter(void)
{
    fresh_netns(&lab_home_fd);
    fresh_netns(&lab_pod_fd);
    if (setns(lab_home_fd, CLONE_NEWNET) < 0 || mkdtemp(directory) == NULL) {
        perror("culvert-test: cannot set up");
        exit(2);
    }
}

const char *lab_path(const char *name)
{
    static char path[sizeof directory + 64];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

void lab_leave(void)
{
    DIR *d = opendir(directory);

    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d))
        if (e->d_name[0] != '.')
            unlink(lab_path(e->d_name));
    if (d != NULL)
        closedir(d);
    rmdir(directory);
    close(lab_home_fd);
    close(lab_pod_fd);
}

int lab_fd_count(void)
{
    DIR *d = opendir("/proc/self/fd");
    int count = 0;

    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 3; /* ".", "..", and the listing itself */
}

uint64_t lab_inode(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

uint64_t lab_netns(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

struct culvert_socket_request lab_request(uint64_t high, uint64_t low, uint32_t port)
{
    return (struct culvert_socket_request){ .high = high, .low = low, .port = port, .mark = MARK, .keep_idle = 180,
        .keep_interval = 90, .keep_probes = 9, .user_timeout = 7000, .flags = CULVERT_SOCKET_NODELAY, .backlog = 128,
        .home_fd = lab_home_fd, .pod_fd = lab_pod_fd, .step = -1 };
}

uint32_t lab_port(int fd)
{
    struct culvert_socket_address at = { 0 };

    return culvert_socket_local(fd, &at) < 0 ? 0 : at.port;
}

int main(int argc, char **argv)
{
    int rc;

    if (argc != 2 || (strcmp(argv[1], "unit") != 0 && strcmp(argv[1], "sweep") != 0)) {
        fprintf(stderr, "usage: culvert-test unit|sweep\n");
        return 2;
    }
    lab_enter();
    rc = strcmp(argv[1], "unit") == 0 ? run_unit() : run_sweep();
    lab_leave();
    printf("culvert-test %s: %d checks, %d failures\n", argv[1], lab_checks, lab_failures);
    return rc != 0 || lab_failures > 0 || lab_checks == 0;
}
