package io.culvert.shim;

import java.util.List;

/**
 * Tells whether somebody changes the packet rules of a network namespace, or a policy route there.
 *
 * <p>Of nf_tables and of routes the kernel sends notices, which {@link #drain} reads away. Of the tables of legacy iptables it
 * sends none; {@link #digest} makes a number of them, to be compared with an earlier one.
 *
 * <p>Runs on: any; no call waits, but {@link #digest} a moment for whoever writes legacy tables anywhere on the machine. Owns: two
 * sockets in the namespace, which keep it alive until {@link #close}. Bounds: the kernel keeps up to 32 KiB of notices for each; what
 * is too much counts as a change, and so is what a call leaves unread after 256 of them. Of a legacy table longer than 32 KiB only
 * the number and the size of its rules are looked at. Errors: EPERM without CAP_NET_ADMIN in the namespace. Source: netlink(7),
 * rtnetlink(7).
 */
public final class NetnsWatch implements AutoCloseable {
    /** The tables that rules are watched in, in the order of their bits. */
    private static final List<String> TABLES = List.of("nat", "mangle", "raw");

    private static final int NFTABLES = 0;
    private static final int ROUTES = 1;
    private static final int XTABLES = 2;
    private static final int ROUTE_TABLE_MAX = 255;

    private final int routeTable;
    private final boolean told;
    /** A bit for each, IPv4's first. */
    private final int legacyTables;

    private final SharedFd routes;
    /** What notices of nf_tables come from, or what legacy tables are asked by. */
    private final SharedFd rules;

    private NetnsWatch(PodNetns pod, int routeTable, int kind, int legacyTables) throws ShimException {
        Bounds.check("routeTable", routeTable, 1, ROUTE_TABLE_MAX);
        this.routeTable = routeTable;
        this.told = kind == NFTABLES;
        this.legacyTables = legacyTables;
        try (PodNetns home = PodNetns.current()) {
            this.routes = new SharedFd(open(home, pod, ROUTES));
            this.rules = new SharedFd(openBeside(routes, home, pod, kind));
        }
    }

    /**
     * Watches the tables nat, mangle and raw of nf_tables, of IPv4 and IPv6.
     *
     * @param routeTable the number, at most 255, of the route table whose routes and policy rules are watched
     */
    public static NetnsWatch ofNfTables(PodNetns pod, int routeTable) throws ShimException {
        return new NetnsWatch(pod, routeTable, NFTABLES, 0);
    }

    /**
     * Watches tables of legacy iptables.
     *
     * @param routeTable the number, at most 255, of the route table whose routes and policy rules are watched
     * @param ipv4 of nat, mangle and raw those of IPv4; the kernel makes one that is not there yet
     * @param ipv6 those of IPv6
     */
    public static NetnsWatch ofXTables(PodNetns pod, int routeTable, List<String> ipv4, List<String> ipv6)
            throws ShimException {
        return new NetnsWatch(pod, routeTable, XTABLES, bits(ipv4) | bits(ipv6) << TABLES.size());
    }

    private static int bits(List<String> tables) {
        int bits = 0;
        for (String table : tables) {
            int bit = TABLES.indexOf(table);
            if (bit < 0) {
                throw new IllegalArgumentException("table " + table + " cannot be watched");
            }
            bits |= 1 << bit;
        }
        return bits;
    }

    /** Closes the one before it if this one cannot be had. */
    private static int openBeside(SharedFd before, PodNetns home, PodNetns pod, int kind) throws ShimException {
        try {
            return open(home, pod, kind);
        } catch (ShimException e) {
            close(before);
            throw e;
        }
    }

    private static int open(PodNetns home, PodNetns pod, int kind) throws ShimException {
        int podFd = pod.acquire();
        try {
            Scratch request = Scratch.current().namespaces(home.fd(), pod.sameNamespaceAs(home) ? -1 : podFd);
            int fd = NativeLibrary.CALLS.culvert_watch_open(request.address(), kind);
            if (fd < 0) {
                throw request.failure(fd);
            }
            return fd;
        } finally {
            pod.release();
        }
    }

    /** Whether the kernel gives notice of every change; if not, only routes are told of, and rules have a {@link #digest}. */
    public boolean isTold() {
        return told;
    }

    /** Reads away all notices since the last time; whether one of them may matter, which costs less to see than to rule out. */
    public boolean drain() throws ShimException {
        boolean routesChanged = drain(routes);
        boolean rulesChanged = told && drain(rules);
        return routesChanged || rulesChanged;
    }

    private boolean drain(SharedFd socket) throws ShimException {
        int fd = socket.acquire("recvmsg");
        try {
            int result = NativeLibrary.CALLS.culvert_watch_drain(fd, routeTable);
            if (result < 0) {
                throw new ShimException("recvmsg", -result);
            }
            return result > 0;
        } finally {
            socket.release();
        }
    }

    /** What the legacy tables hold, as a number; always 0 where {@link #isTold}. */
    public long digest() throws ShimException {
        if (told) {
            return 0;
        }
        int fd = rules.acquire("getsockopt");
        try {
            long result = NativeLibrary.CALLS.culvert_watch_digest(fd, legacyTables);
            if (result < 0) {
                throw new ShimException("getsockopt(SO_GET_ENTRIES)", (int) -result);
            }
            return result;
        } finally {
            rules.release();
        }
    }

    @Override
    public void close() {
        close(routes);
        close(rules);
    }

    private static void close(SharedFd socket) {
        if (socket.beginClose()) {
            socket.release();
        }
    }
}
