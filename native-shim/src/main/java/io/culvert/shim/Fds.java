package io.culvert.shim;

/** File descriptors as plain numbers, owned by whoever holds the number. */
public final class Fds {
    private Fds() {}

    /**
     * Closes a descriptor; a negative one is nothing and is left alone.
     *
     * <p>Errors: closing twice throws {@link IllegalStateException}, since the number may already be somebody else's.
     */
    public static void close(int fd) {
        if (fd < 0) {
            return;
        }
        int result = NativeLibrary.CALLS.culvert_fdpass_close(fd);
        if (result == -Errno.EBADF.number()) {
            throw new IllegalStateException("descriptor " + fd + " is closed already");
        }
    }
}
