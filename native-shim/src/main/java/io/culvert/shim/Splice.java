package io.culvert.shim;

/**
 * Bytes moved between sockets by way of a pipe, without passing through user space.
 *
 * <p>Runs on: any; every descriptor is non-blocking. Source: splice(2), pipe(7).
 */
public final class Splice {
    /** What {@link #splice} returns when the input is empty or the output full: wait for readiness. */
    public static final long AGAIN = -1;

    /** More will follow at once; the kernel may hold a partial segment back. */
    public static final int MORE = 1;

    private Splice() {}

    /**
     * A non-blocking pipe.
     *
     * <p>Owns: both descriptors; {@link #close} is called once, by the loop that uses the pipe.
     *
     * @param capacity bytes that the kernel granted, which may be fewer or more than asked
     */
    public record Pipe(int readFd, int writeFd, int capacity) implements AutoCloseable {
        @Override
        public void close() {
            Fds.close(readFd);
            Fds.close(writeFd);
        }
    }

    /** A pipe of up to {@code bytes}; less where the kernel's limits allow less. */
    public static Pipe pipe(int bytes) throws ShimException {
        Bounds.check("bytes", bytes, 1, Integer.MAX_VALUE / 2);
        Scratch out = Scratch.current();
        int capacity = NativeLibrary.CALLS.culvert_splice_open(bytes, out.address());
        if (capacity < 0) {
            throw new ShimException("pipe2", -capacity);
        }
        return new Pipe(out.intAt(0), out.intAt(4), capacity);
    }

    /** Moves up to {@code length} bytes, one side being a pipe: how many, 0 at the end of input, or {@link #AGAIN}. */
    public static long splice(int in, int out, int length, int flags) throws ShimException {
        long result = NativeLibrary.CALLS.culvert_splice_move(in, out, length, flags);
        if (result >= 0) {
            return result;
        }
        if (result == -Errno.EAGAIN.number()) {
            return AGAIN;
        }
        throw new ShimException("splice", (int) -result);
    }
}
