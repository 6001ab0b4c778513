package io.culvert.shim;

import java.nio.file.Path;

/**
 * A handle to a network namespace, a pod's or the agent's own.
 *
 * <p>Runs on: any. Owns: its descriptor, closed once, after the last call that uses it. Source: namespaces(7), ioctl_ns(2).
 */
public final class PodNetns implements AutoCloseable {
    private final SharedFd fd;
    private final long inode;
    private final long device;

    private PodNetns(int fd, Scratch id) {
        this.fd = new SharedFd(fd);
        this.inode = id.longAt(0);
        this.device = id.longAt(8);
    }

    /** The namespace mounted at a path, such as {@code /var/run/netns/x} or {@code /proc/1/ns/net}. */
    public static PodNetns open(Path path) throws ShimException {
        Scratch id = Scratch.current();
        return checked("open " + path, NativeLibrary.CALLS.culvert_netns_open(path.toString(), id.address()), id);
    }

    /**
     * The namespace behind a descriptor that came from elsewhere.
     *
     * <p>Owns: the descriptor from this call on; one that is not a network namespace is closed and refused with EINVAL.
     */
    public static PodNetns adopt(int fd) throws ShimException {
        Scratch id = Scratch.current();
        return checked("adopt descriptor " + fd, NativeLibrary.CALLS.culvert_netns_adopt(fd, id.address()), id);
    }

    /** The calling thread's namespace. */
    public static PodNetns current() throws ShimException {
        Scratch id = Scratch.current();
        return checked("open own namespace", NativeLibrary.CALLS.culvert_netns_current(id.address()), id);
    }

    private static PodNetns checked(String call, int result, Scratch id) throws ShimException {
        if (result < 0) {
            throw new ShimException(call, -result);
        }
        return new PodNetns(result, id);
    }

    /** Another handle to the same namespace, to be closed by itself. */
    public PodNetns another() throws ShimException {
        int held = acquire();
        try {
            return open(Path.of("/proc/self/fd/" + held));
        } finally {
            release();
        }
    }

    /** The descriptor, still owned by this handle: to pass on in a message, never to close. */
    public int fd() {
        return fd.number();
    }

    public long inode() {
        return inode;
    }

    public long device() {
        return device;
    }

    /** Whether both handles mean one namespace, whatever paths and descriptors they came from. */
    public boolean sameNamespaceAs(PodNetns other) {
        return inode == other.inode && device == other.device;
    }

    int acquire() throws ShimException {
        return fd.acquire("setns");
    }

    void release() {
        fd.release();
    }

    @Override
    public void close() {
        if (fd.beginClose()) {
            fd.release();
        }
    }

    @Override
    public String toString() {
        return "netns:[" + inode + (fd.isClosed() ? "] closed" : "]");
    }
}
