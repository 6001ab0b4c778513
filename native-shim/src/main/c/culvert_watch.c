#include "culvert_watch.h"
#include "culvert_fdpass.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum {
    /* What the kernel keeps for us: lost notices are a notice, too, so little is enough. It doubles the number. */
    RECEIVE_BYTES = 16384,
    NOTICES_MAX = 256,
    NOTICE_BYTES = 4096,
    /* Longer tables are told apart by the numbers and sizes of their rules alone. */
    TABLE_BYTES_MAX = 32768,
};

#define GROUP(number) (1u << ((number) - 1))

static uint32_t groups_of(int kind)
{
    if (kind == CULVERT_WATCH_NFTABLES)
        return GROUP(NFNLGRP_NFTABLES);
    /* Routes that go along with the loopback's state (IPv6) or address (IPv4) need not be told of by themselves. */
    return GROUP(RTNLGRP_IPV4_RULE) | GROUP(RTNLGRP_IPV6_RULE) | GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_IPV6_ROUTE)
           | GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_IFADDR);
}

static int failed(struct culvert_socket_request *request, enum culvert_step step, int rc)
{
    request->step = (int32_t)step;
    return rc;
}

static int listen_to(int fd, int kind, struct culvert_socket_request *request)
{
    const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = groups_of(kind) };
    const int bytes = RECEIVE_BYTES;
    int rc;

    CULVERT_RETRY(rc, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes));
    if (rc < 0)
        return failed(request, CULVERT_STEP_RCVBUF, rc);
    CULVERT_RETRY(rc, bind(fd, (const struct sockaddr *)&at, sizeof at));
    return rc < 0 ? failed(request, CULVERT_STEP_BIND, rc) : 0;
}

static int open_asking(struct culvert_socket_request *request)
{
    /* An IPv6 socket may ask about both families. */
    const int fd = culvert_socket_make(request, AF_INET6, SOCK_DGRAM, 0);

    return fd == -EAFNOSUPPORT ? culvert_socket_make(request, AF_INET, SOCK_DGRAM, 0) : fd;
}

int culvert_watch_open(struct culvert_socket_request *request, int kind)
{
    int fd, rc;

    if (kind == CULVERT_WATCH_XTABLES)
        return open_asking(request);
    if (kind != CULVERT_WATCH_NFTABLES && kind != CULVERT_WATCH_ROUTES)
        return failed(request, CULVERT_STEP_ARGUMENT, -EINVAL);
    fd = culvert_socket_make(request, AF_NETLINK, SOCK_RAW,
                             kind == CULVERT_WATCH_NFTABLES ? NETLINK_NETFILTER : NETLINK_ROUTE);
    if (fd < 0)
        return fd;
    rc = listen_to(fd, kind, request);
    if (rc < 0)
        culvert_fdpass_close(fd);
    return rc < 0 ? rc : fd;
}

/* Whether the first attribute of type 1, which in messages about tables, chains and rules is the table's name, is one of ours. */
static int names_our_table(const char *attributes, size_t length)
{
    static const char *const ours[] = { "nat", "mangle", "raw" };
    struct nlattr a;
    size_t step;

    while (length >= sizeof a) {
        memcpy(&a, attributes, sizeof a);
        if (a.nla_len < sizeof a || a.nla_len > length)
            return 1;
        if ((a.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME) {
            for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
                if (a.nla_len == sizeof a + strlen(ours[i]) + 1
                    && memcmp(attributes + sizeof a, ours[i], strlen(ours[i]) + 1) == 0)
                    return 1;
            return 0;
        }
        step = (size_t)NLA_ALIGN(a.nla_len);
        if (step >= length)
            return 1;
        attributes += step;
        length -= step;
    }
    return 1;
}

static int concerns_tables(int message, const char *payload, size_t length)
{
    struct nfgenmsg head;

    /* Sets, objects and generations are no rules. */
    if (message > NFT_MSG_DELRULE)
        return 0;
    if (length < sizeof head)
        return 1;
    memcpy(&head, payload, sizeof head);
    if (head.nfgen_family != AF_INET && head.nfgen_family != AF_INET6)
        return 0;
    return names_our_table(payload + NLMSG_ALIGN(sizeof head), length - sizeof head);
}

static int concerns_routes(int type, const char *payload, size_t length, uint32_t route_table)
{
    union {
        struct rtmsg route;
        struct fib_rule_hdr rule;
        struct ifinfomsg link;
        struct ifaddrmsg address;
    } is;

    /* A shorter message than any of these does not come from this kernel. */
    memset(&is, 0, sizeof is);
    memcpy(&is, payload, length < sizeof is ? length : sizeof is);
    switch (type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return is.route.rtm_table == route_table;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return is.rule.table == route_table;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return (is.link.ifi_flags & IFF_LOOPBACK) != 0;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        /* The loopback is the first interface of every namespace. */
        return is.address.ifa_index == 1;
    default:
        return 0;
    }
}

/* Whether one of the messages in a datagram matters; what cannot be read does. */
static int concerns(const char *bytes, size_t length, uint32_t route_table)
{
    struct nlmsghdr head;

    while (length >= sizeof head) {
        const char *payload = bytes + NLMSG_HDRLEN;
        size_t size;

        memcpy(&head, bytes, sizeof head);
        if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > length)
            return 1;
        size = head.nlmsg_len - (size_t)NLMSG_HDRLEN;
        if (NFNL_SUBSYS_ID(head.nlmsg_type) == NFNL_SUBSYS_NFTABLES
                ? concerns_tables(NFNL_MSG_TYPE(head.nlmsg_type), payload, size)
                : concerns_routes(head.nlmsg_type, payload, size, route_table))
            return 1;
        if (NLMSG_ALIGN(head.nlmsg_len) >= length)
            return 0;
        bytes += NLMSG_ALIGN(head.nlmsg_len);
        length -= NLMSG_ALIGN(head.nlmsg_len);
    }
    return 1;
}

int culvert_watch_drain(int fd, uint32_t route_table)
{
    char bytes[NOTICE_BYTES];
    struct sockaddr_nl from;
    struct iovec part = { .iov_base = bytes, .iov_len = sizeof bytes };
    struct msghdr m;
    int changed = 0;
    ssize_t rc;

    for (int i = 0; i < NOTICES_MAX; i++) {
        memset(&from, 0, sizeof from);
        m = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
        CULVERT_RETRY(rc, recvmsg(fd, &m, MSG_DONTWAIT));
        if (rc == -EAGAIN)
            return changed;
        if (rc == -ENOBUFS) {
            changed = 1;
            continue;
        }
        if (rc < 0)
            return (int)rc;
        /* Only the kernel's own word counts. */
        if (from.nl_pid == 0 && !changed)
            changed = (m.msg_flags & MSG_TRUNC) != 0 || concerns(bytes, (size_t)rc, route_table);
    }
    return 1;
}

/* FNV-1a: enough to notice, while whoever wants to deceive could have the same number of other rules. */
static uint64_t mix(uint64_t digest, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;

    for (size_t i = 0; i < length; i++)
        digest = (digest ^ next[i]) * UINT64_C(0x100000001b3);
    return digest;
}

/* How the two families write their tables; but for the addresses the structs are alike. */
static const struct family {
    int level, info, entries;
    size_t head, target, next, size;
} families[] = {
    { IPPROTO_IP, IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES, offsetof(struct ipt_entry, nfcache),
      offsetof(struct ipt_entry, target_offset), offsetof(struct ipt_entry, next_offset), sizeof(struct ipt_entry) },
    { IPPROTO_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES, offsetof(struct ip6t_entry, nfcache),
      offsetof(struct ip6t_entry, target_offset), offsetof(struct ip6t_entry, next_offset), sizeof(struct ip6t_entry) },
};
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one struct for both families");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries), "one struct for both families");

/* All of each rule but its counters and what the kernel notes beside them. */
static uint64_t mix_entries(uint64_t digest, const struct family *family, const char *entry, size_t length)
{
    uint16_t next;

    while (length >= family->size) {
        memcpy(&next, entry + family->next, sizeof next);
        if (next < family->size || next > length)
            break;
        digest = mix(digest, entry, family->head);
        digest = mix(digest, entry + family->target, sizeof next);
        digest = mix(digest, entry + family->size, next - family->size);
        entry += next;
        length -= next;
    }
    return digest;
}

/* Mixes one table in: 0, or -errno. */
static int mix_table(int fd, const struct family *family, const char *name, uint64_t *digest)
{
    struct ipt_getinfo info;
    socklen_t length = sizeof info;
    int rc;
    union {
        struct ipt_get_entries head;
        char bytes[sizeof(struct ipt_get_entries) + TABLE_BYTES_MAX];
    } table;

    memset(&info, 0, sizeof info);
    strcpy(info.name, name);
    CULVERT_RETRY(rc, getsockopt(fd, family->level, family->info, &info, &length));
    if (rc >= 0) {
        *digest = mix(*digest, &info, sizeof info);
        if (info.size > TABLE_BYTES_MAX)
            return 0;
        length = (socklen_t)(sizeof table.head + info.size);
        /* The kernel leaves gaps, such as behind a name. */
        memset(table.bytes, 0, length);
        strcpy(table.head.name, name);
        table.head.size = info.size;
        CULVERT_RETRY(rc, getsockopt(fd, family->level, family->entries, &table, &length));
    }
    if (rc >= 0) {
        *digest = mix_entries(*digest, family, table.bytes + sizeof table.head, info.size);
        return 0;
    }
    /* That it is not there, or became another one under our eyes, is to be told apart as well. */
    if (rc != -ENOENT && rc != -ENOPROTOOPT && rc != -EOPNOTSUPP && rc != -EAGAIN)
        return rc;
    *digest = mix(*digest, &rc, sizeof rc);
    return 0;
}

int64_t culvert_watch_digest(int fd, uint32_t tables)
{
    static const char *const names[CULVERT_WATCH_V6] = { "nat", "mangle", "raw" };
    uint64_t digest = UINT64_C(0xcbf29ce484222325);

    for (int bit = 0; bit < 2 * CULVERT_WATCH_V6; bit++) {
        int rc = 0;

        if ((tables & 1u << bit) != 0)
            rc = mix_table(fd, &families[bit / CULVERT_WATCH_V6], names[bit % CULVERT_WATCH_V6], &digest);
        if (rc < 0)
            return rc;
    }
    return (int64_t)(digest & INT64_MAX);
}
