/* What a watch notices of a namespace's rules and routes, changed here by the kernel's own messages. */
#include "culvert_fdpass.h"
#include "culvert_watch.h"
#include "faults.h"
#include "lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define TABLE 100

static int watch(int kind)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);

    return culvert_watch_open(&r, kind);
}

/* Messages to the kernel, in one datagram. */
struct batch {
    _Alignas(struct nlmsghdr) char bytes[512];
    uint32_t length;
};

static void *add(struct batch *batch, int type, int flags, const void *payload, size_t size)
{
    struct nlmsghdr *head = (struct nlmsghdr *)(void *)(batch->bytes + batch->length);

    memset(head, 0, sizeof *head);
    head->nlmsg_type = (uint16_t)type;
    head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    head->nlmsg_len = (uint32_t)(sizeof *head + size);
    memcpy(head + 1, payload, size);
    batch->length += (uint32_t)NLMSG_ALIGN(head->nlmsg_len);
    return head + 1;
}

/* Sends them from within the pod and returns what the last one was answered. */
static int tell(int protocol, const struct batch *batch)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    const int fd = culvert_socket_make(&r, AF_NETLINK, SOCK_RAW, protocol);
    struct {
        struct nlmsghdr head;
        struct nlmsgerr answer;
        char rest[512];
    } in;
    int answer = -ENOMSG;

    CHECK_EQ(batch->length, send(fd, batch->bytes, batch->length, 0));
    if (recv(fd, &in, sizeof in, MSG_DONTWAIT) > 0 && in.head.nlmsg_type == NLMSG_ERROR)
        answer = in.answer.error;
    close(fd);
    return answer;
}

static int change_table(int message, int family, const char *name)
{
    struct {
        struct nfgenmsg head;
        struct nlattr attribute;
        char name[16];
    } table = { .head = { .nfgen_family = (uint8_t)family },
        .attribute = { .nla_type = NFTA_TABLE_NAME, .nla_len = (uint16_t)(sizeof(struct nlattr) + strlen(name) + 1) } };
    const struct nfgenmsg edge = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };
    struct batch batch = { .length = 0 };

    strcpy(table.name, name);
    add(&batch, NFNL_MSG_BATCH_BEGIN, 0, &edge, sizeof edge);
    add(&batch, NFNL_SUBSYS_NFTABLES << 8 | message, NLM_F_ACK | (message == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0), &table,
        sizeof table.head + (size_t)NLMSG_ALIGN(table.attribute.nla_len));
    add(&batch, NFNL_MSG_BATCH_END, 0, &edge, sizeof edge);
    return tell(NETLINK_NETFILTER, &batch);
}

static int change_rule(int type, uint8_t family, uint8_t table)
{
    const struct fib_rule_hdr rule = { .family = family, .table = table, .action = FR_ACT_TO_TBL };
    struct batch batch = { .length = 0 };

    add(&batch, type, NLM_F_ACK | (type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0), &rule, sizeof rule);
    return tell(NETLINK_ROUTE, &batch);
}

static int change_loopback(unsigned int flags)
{
    const struct ifinfomsg link = { .ifi_index = 1, .ifi_flags = flags, .ifi_change = IFF_UP };
    struct batch batch = { .length = 0 };

    add(&batch, RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
    return tell(NETLINK_ROUTE, &batch);
}

void test_watch_tables(void)
{
    static const char *const ours[] = { "nat", "mangle", "raw" };
    const int fd = watch(CULVERT_WATCH_NFTABLES);

    CHECK(fd >= 0);
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    for (int i = 0; i < 3; i++)
        for (int v6 = 0; v6 < 2; v6++) {
            CHECK_EQ(0, change_table(NFT_MSG_NEWTABLE, v6 ? AF_INET6 : AF_INET, ours[i]));
            CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
            CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
            CHECK_EQ(0, change_table(NFT_MSG_DELTABLE, v6 ? AF_INET6 : AF_INET, ours[i]));
            CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
        }
    CHECK_EQ(0, change_table(NFT_MSG_NEWTABLE, AF_INET, "nation"));
    CHECK_EQ(0, change_table(NFT_MSG_NEWTABLE, AF_INET, "na"));
    CHECK_EQ(0, change_table(NFT_MSG_NEWTABLE, NFPROTO_INET, "nat"));
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, change_table(NFT_MSG_DELTABLE, AF_INET, "nation"));
    CHECK_EQ(0, change_table(NFT_MSG_DELTABLE, AF_INET, "na"));
    CHECK_EQ(0, change_table(NFT_MSG_DELTABLE, NFPROTO_INET, "nat"));
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    culvert_fdpass_close(fd);
}

void test_watch_routes(void)
{
    const int fd = watch(CULVERT_WATCH_ROUTES);

    CHECK(fd >= 0);
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    for (int v6 = 0; v6 < 2; v6++) {
        CHECK_EQ(0, change_rule(RTM_NEWRULE, v6 ? AF_INET6 : AF_INET, TABLE));
        CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
        CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
        CHECK_EQ(0, change_rule(RTM_DELRULE, v6 ? AF_INET6 : AF_INET, TABLE));
        CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
        CHECK_EQ(0, change_rule(RTM_NEWRULE, v6 ? AF_INET6 : AF_INET, TABLE + 1));
        CHECK_EQ(0, change_rule(RTM_DELRULE, v6 ? AF_INET6 : AF_INET, TABLE + 1));
        CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    }
    CHECK_EQ(0, change_loopback(0));
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, change_loopback(IFF_UP));
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    culvert_fdpass_close(fd);
}

/* Nobody reads while more is told than is kept: that some was lost is a notice by itself. */
void test_watch_that_lost_notices(void)
{
    const int fd = watch(CULVERT_WATCH_ROUTES);

    for (int i = 0; i < 200; i++) {
        CHECK_EQ(0, change_rule(RTM_NEWRULE, AF_INET, TABLE + 1));
        CHECK_EQ(0, change_rule(RTM_DELRULE, AF_INET, TABLE + 1));
    }
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, change_rule(RTM_NEWRULE, AF_INET, TABLE));
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    CHECK_EQ(0, change_rule(RTM_DELRULE, AF_INET, TABLE));
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    culvert_fdpass_close(fd);
}

void test_watch_refusals(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    int fd;

    CHECK_EQ(-EINVAL, culvert_watch_open(&r, 3));
    CHECK_EQ(CULVERT_STEP_ARGUMENT, r.step);
    fault_arm_call("bind", -1, EPERM);
    CHECK_EQ(-EPERM, culvert_watch_open(&r, CULVERT_WATCH_NFTABLES));
    fault_disarm();
    CHECK_EQ(CULVERT_STEP_BIND, r.step);
    fault_arm_call("setsockopt", SO_RCVBUF, ENOMEM);
    CHECK_EQ(-ENOMEM, culvert_watch_open(&r, CULVERT_WATCH_ROUTES));
    fault_disarm();
    CHECK_EQ(CULVERT_STEP_RCVBUF, r.step);
    CHECK(strcmp("setsockopt(SO_RCVBUF)", culvert_errno_step(r.step)) == 0);
    fault_arm_call("socket", -1, EMFILE);
    CHECK_EQ(-EMFILE, culvert_watch_open(&r, CULVERT_WATCH_XTABLES));
    fault_disarm();
    CHECK_EQ(CULVERT_STEP_SOCKET, r.step);
    CHECK_EQ(-EBADF, culvert_watch_drain(-1, TABLE));
    CHECK_EQ(-EBADF, culvert_watch_digest(-1, CULVERT_WATCH_NAT));

    fd = watch(CULVERT_WATCH_ROUTES);
    fault_arm_call("recvmsg", -1, ENOBUFS);
    CHECK_EQ(1, culvert_watch_drain(fd, TABLE));
    fault_disarm();
    culvert_fdpass_close(fd);
    r.pod_fd = lab_pod_fd + 1000;
    CHECK_EQ(-EBADF, culvert_watch_open(&r, CULVERT_WATCH_NFTABLES));
    CHECK_EQ(CULVERT_STEP_SETNS, r.step);
}

/* Gives OUTPUT of a legacy table another policy, which is as long as the one before. */
static void turn_policy(int fd, const char *name, int verdict)
{
    struct ipt_getinfo info = { .size = 0 };
    socklen_t length = sizeof info;
    struct ipt_get_entries *now;
    struct ipt_replace *next;
    struct xt_standard_target *policy;

    strcpy(info.name, name);
    CHECK_EQ(0, getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length));
    now = calloc(1, sizeof *now + info.size);
    next = calloc(1, sizeof *next + info.size);
    strcpy(now->name, name);
    now->size = info.size;
    length = (socklen_t)(sizeof *now + info.size);
    CHECK_EQ(0, getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, now, &length));
    strcpy(next->name, name);
    next->valid_hooks = info.valid_hooks;
    next->num_entries = info.num_entries;
    next->size = info.size;
    memcpy(next->hook_entry, info.hook_entry, sizeof next->hook_entry);
    memcpy(next->underflow, info.underflow, sizeof next->underflow);
    next->num_counters = info.num_entries;
    next->counters = calloc(info.num_entries, sizeof *next->counters);
    memcpy(next->entries, now->entrytable, info.size);
    policy = (void *)((char *)next->entries + info.underflow[NF_INET_LOCAL_OUT] + sizeof(struct ipt_entry));
    policy->verdict = -verdict - 1;
    CHECK_EQ(0, setsockopt(fd, IPPROTO_IP, IPT_SO_SET_REPLACE, next, (socklen_t)(sizeof *next + info.size)));
    free(next->counters);
    free(next);
    free(now);
}

static void send_something(void)
{
    struct culvert_socket_request r = lab_request(0, 0, 0);
    const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = culvert_socket_make(&r, AF_INET, SOCK_DGRAM, 0);

    CHECK_EQ(1, sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to));
    close(fd);
}

void test_watch_digest(void)
{
    const int fd = watch(CULVERT_WATCH_XTABLES);
    const uint32_t all = 63, mangle = CULVERT_WATCH_MANGLE;
    const int64_t first = culvert_watch_digest(fd, all), of_mangle = culvert_watch_digest(fd, mangle);
    int64_t v4;

    CHECK(fd >= 0);
    CHECK(first >= 0);
    CHECK(of_mangle >= 0 && of_mangle != first);
    CHECK(of_mangle != culvert_watch_digest(fd, mangle << CULVERT_WATCH_V6));
    CHECK(culvert_watch_digest(fd, 0) >= 0);
    send_something();
    CHECK_EQ(first, culvert_watch_digest(fd, all));
    turn_policy(fd, "mangle", NF_DROP);
    CHECK(first != culvert_watch_digest(fd, all));
    CHECK(of_mangle != culvert_watch_digest(fd, mangle));
    turn_policy(fd, "mangle", NF_ACCEPT);
    CHECK_EQ(first, culvert_watch_digest(fd, all));
    fault_arm_call("getsockopt", IPT_SO_GET_INFO, EPERM);
    CHECK_EQ(-EPERM, culvert_watch_digest(fd, all));
    fault_disarm();
    /* A table that is being changed this instant is another one than it was. */
    fault_arm_call("getsockopt", IPT_SO_GET_ENTRIES, EAGAIN);
    CHECK(first != culvert_watch_digest(fd, all));
    fault_disarm();
    culvert_fdpass_close(fd);

    fault_arm_call("socket", -1, EAFNOSUPPORT);
    v4 = watch(CULVERT_WATCH_XTABLES);
    fault_disarm();
    CHECK_EQ(of_mangle, culvert_watch_digest((int)v4, mangle));
    CHECK(culvert_watch_digest((int)v4, all) >= 0);
    culvert_fdpass_close((int)v4);
}
