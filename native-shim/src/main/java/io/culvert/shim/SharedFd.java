package io.culvert.shim;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A descriptor that several threads may be using while another closes it: the number is given back to the kernel only when the
 * last use has ended, so no call can ever reach a stranger that was given the same number.
 *
 * <p>Runs on: any. Owns: the descriptor.
 */
final class SharedFd {
    private static final int CLOSED = 1 << 31;

    private final int fd;
    private final AtomicInteger state = new AtomicInteger();

    SharedFd(int fd) {
        this.fd = fd;
    }

    /** The number, in use until {@link #release}. */
    int acquire(String call) throws ShimException {
        int seen = state.get();
        while (seen >= 0) {
            if (state.compareAndSet(seen, seen + 1)) {
                return fd;
            }
            seen = state.get();
        }
        throw new ShimException(call, Errno.EBADF);
    }

    void release() {
        if (state.decrementAndGet() == CLOSED) {
            Fds.close(fd);
        }
    }

    /** The number without a claim on it: for messages, and for who knows that nobody closes it. */
    int number() {
        return fd;
    }

    /** Whether a call is using it now. */
    boolean inUse() {
        return (state.get() & ~CLOSED) > 0;
    }

    boolean isClosed() {
        return state.get() < 0;
    }

    /** Lets no new use in; true for the one caller that did so, who then must {@link #release}. */
    boolean beginClose() {
        int seen = state.get();
        while (seen >= 0) {
            if (state.compareAndSet(seen, (seen + 1) | CLOSED)) {
                return true;
            }
            seen = state.get();
        }
        return false;
    }
}
