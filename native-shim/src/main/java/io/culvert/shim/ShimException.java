package io.culvert.shim;

/**
 * A kernel call that did not do what it was asked: which call, and its errno.
 *
 * <p>Carries no stack trace: it is thrown on the data path, and the call's name says where.
 */
public final class ShimException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    public ShimException(String call, int errno) {
        super(null, null, false, false);
        this.call = call;
        this.errno = errno;
    }

    public ShimException(String call, Errno errno) {
        this(call, errno.number());
    }

    /** The kernel call that failed, such as {@code setsockopt(SO_MARK)}. */
    public String call() {
        return call;
    }

    /** The kernel's number; {@link Errno#of} names it. */
    public int errno() {
        return errno;
    }

    public boolean is(Errno what) {
        return errno == what.number();
    }

    @Override
    public String getMessage() {
        return call + ": " + Errno.describe(errno);
    }
}
