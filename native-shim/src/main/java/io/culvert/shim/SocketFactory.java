package io.culvert.shim;

import org.jspecify.annotations.Nullable;

/**
 * Makes sockets inside pods' network namespaces, each in one native call that leaves the calling thread where it was.
 *
 * <p>A null namespace means the one that the factory was opened in; to make sockets there nothing is entered, and no privilege is
 * needed for it. Every socket is non-blocking and CLOEXEC. Addresses are 128
 * bits, IPv4 in mapped form {@code ::ffff:a.b.c.d}; link-local addresses that need a scope are not supported.
 *
 * <p>Runs on: any; nothing here waits for a peer. Owns: the handle to the home namespace; descriptors belong to the caller.
 * Errors: a call that cannot come home from a pod's namespace ends the process. Source: setns(2), ip(7), ipv6(7), tcp(7).
 */
public final class SocketFactory implements AutoCloseable {
    private static final long CONNECTED = 1L << 32;
    private static final int IS_TRANSPARENT = 1;
    private static final int IS_DUAL_STACK = 4;

    private final PodNetns home;

    private SocketFactory(PodNetns home) {
        this.home = home;
    }

    /** A factory whose home is the calling thread's namespace. */
    public static SocketFactory open() throws ShimException {
        return new SocketFactory(PodNetns.current());
    }

    /** A listening socket; {@link #isTransparent} and {@link #isDualStack} tell what the kernel granted. */
    public int listenTcp(@Nullable PodNetns pod, ListenSpec spec) throws ShimException {
        Scratch request = enter(pod);
        try {
            request.address(spec.high(), spec.low(), spec.port()).server(spec.mark(), spec.flags(), spec.backlog());
            return done(request, NativeLibrary.CALLS.culvert_socket_listen(request.address()));
        } finally {
            leave(pod);
        }
    }

    /** A bound UDP socket. */
    public int bindUdp(@Nullable PodNetns pod, UdpSpec spec) throws ShimException {
        Scratch request = enter(pod);
        try {
            request.address(spec.high(), spec.low(), spec.port())
                    .server(spec.mark(), spec.reusePort() ? Scratch.REUSEPORT : 0, 0);
            return done(request, NativeLibrary.CALLS.culvert_socket_datagram(request.address()));
        } finally {
            leave(pod);
        }
    }

    /**
     * A socket on its way to a destination. A source other than 0, 0 is bound first, with a port of the kernel's choice, even if
     * it is foreign to the namespace. {@link #fdOf} and {@link #isConnected} read the result; while it is not connected, wait
     * until it is writable and ask {@link #connectError}.
     */
    public long connectTcp(
            @Nullable PodNetns pod, ConnectSpec spec, long dstHigh, long dstLow, int dstPort, long srcHigh, long srcLow)
            throws ShimException {
        Scratch request = enter(pod);
        try {
            request.address(dstHigh, dstLow, dstPort).source(srcHigh, srcLow).options(spec);
            long result = NativeLibrary.CALLS.culvert_socket_connect(request.address());
            if (result < 0) {
                throw request.failure(result);
            }
            return result;
        } finally {
            leave(pod);
        }
    }

    /** The descriptor in a result of {@link #connectTcp}; the caller owns it. */
    public static int fdOf(long connecting) {
        return (int) connecting;
    }

    /** Whether the connection was established before {@link #connectTcp} returned. */
    public static boolean isConnected(long connecting) {
        return (connecting & CONNECTED) != 0;
    }

    /** The errno that a connection attempt ended with, 0 for success; asking clears it. */
    public static int connectError(int fd) throws ShimException {
        return checked("getsockopt(SO_ERROR)", NativeLibrary.CALLS.culvert_socket_error(fd));
    }

    /** Sets the options on a socket; those of a listener are those of all that it accepts from then on (tcp(7)). */
    public static void tune(int fd, ConnectSpec spec) throws ShimException {
        Scratch request = Scratch.current().options(spec);
        done(request, NativeLibrary.CALLS.culvert_socket_tune(fd, request.address()));
    }

    public static void setMark(int fd, int mark) throws ShimException {
        checked("setsockopt(SO_MARK)", NativeLibrary.CALLS.culvert_socket_mark(fd, mark));
    }

    /** Whether IP_TRANSPARENT is in effect. */
    public static boolean isTransparent(int fd) throws ShimException {
        return (traits(fd) & IS_TRANSPARENT) != 0;
    }

    /** Whether the socket serves IPv6 and IPv4; false for one of a single family. */
    public static boolean isDualStack(int fd) throws ShimException {
        return (traits(fd) & IS_DUAL_STACK) != 0;
    }

    /**
     * Where the peer of an accepted socket meant to go: true when connection tracking knew it, which it also does for connections
     * that were not redirected; false when it did not, and {@code out} is the socket's own address.
     */
    public static boolean originalDestination(int fd, Address out) throws ShimException {
        Scratch scratch = Scratch.current();
        int tracked = checked(
                "getsockopt(SO_ORIGINAL_DST)", NativeLibrary.CALLS.culvert_socket_original(fd, scratch.address()));
        out.set(scratch.longAt(0), scratch.longAt(8), scratch.intAt(16));
        return tracked != 0;
    }

    /** The socket's own address. */
    public static void localAddress(int fd, Address out) throws ShimException {
        Scratch scratch = Scratch.current();
        checked("getsockname", NativeLibrary.CALLS.culvert_socket_local(fd, scratch.address()));
        out.set(scratch.longAt(0), scratch.longAt(8), scratch.intAt(16));
    }

    /** Ends the factory; calls under way still come home. */
    @Override
    public void close() {
        home.close();
    }

    private Scratch enter(@Nullable PodNetns pod) throws ShimException {
        int homeFd = home.acquire();
        int podFd = -1;
        if (pod != null) {
            try {
                podFd = pod.acquire();
            } catch (ShimException closed) {
                home.release();
                throw closed;
            }
        }
        return Scratch.current().namespaces(homeFd, pod == null || pod.sameNamespaceAs(home) ? -1 : podFd);
    }

    private void leave(@Nullable PodNetns pod) {
        if (pod != null) {
            pod.release();
        }
        home.release();
    }

    private static int traits(int fd) throws ShimException {
        return checked("getsockopt", NativeLibrary.CALLS.culvert_socket_traits(fd));
    }

    private static int checked(String call, int result) throws ShimException {
        if (result < 0) {
            throw new ShimException(call, -result);
        }
        return result;
    }

    private static int done(Scratch request, int result) throws ShimException {
        if (result < 0) {
            throw request.failure(result);
        }
        return result;
    }
}
