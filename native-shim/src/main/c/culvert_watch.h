/* Whether somebody changes a pod's packet rules or policy routes: notices of the kernel, and digests where it gives none. */
#ifndef CULVERT_WATCH_H
#define CULVERT_WATCH_H

#include "culvert_socket.h"

/* What a socket is for. */
#define CULVERT_WATCH_NFTABLES 0 /* notices of nf_tables; needs CAP_NET_ADMIN in the namespace */
#define CULVERT_WATCH_ROUTES 1   /* notices of policy routes, and of the loopback that they lead to */
#define CULVERT_WATCH_XTABLES 2  /* digests of the legacy tables, of which there are no notices */

/* The legacy tables of a digest; those of IPv6 are shifted by CULVERT_WATCH_V6. One that does not exist yet is made by asking. */
#define CULVERT_WATCH_NAT 1u
#define CULVERT_WATCH_MANGLE 2u
#define CULVERT_WATCH_RAW 4u
#define CULVERT_WATCH_V6 3

/* A socket of that kind in the request's pod, of whose fields only the namespaces and the step are used. */
CULVERT_API int culvert_watch_open(struct culvert_socket_request *request, int kind);

/*
 * Reads away the notices that wait, a bounded number: 1 if one may concern the tables nat, mangle and raw of IPv4 or IPv6, a rule
 * or route of the given route table (below 256), or the loopback; also when notices were lost or are left. 0 if none does.
 */
CULVERT_API int culvert_watch_drain(int fd, uint32_t route_table);

/* A number >= 0 that is another one, almost surely, once a rule of these tables is another one; packet counters have no part in it. */
CULVERT_API int64_t culvert_watch_digest(int fd, uint32_t tables);

#endif
