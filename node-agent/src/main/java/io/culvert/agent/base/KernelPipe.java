package io.culvert.agent.base;

import io.culvert.shim.Errno;
import io.culvert.shim.ShimException;
import io.culvert.shim.Splice;

/**
 * A pipe of the kernel's.
 *
 * <p>Runs on: its loop. Owns: two descriptors.
 *
 * <p>Source: splice(2), pipe(7).
 */
public final class KernelPipe extends Pipe {
    /** What is asked for. A piece of a segment takes a page's place however short it is, or long: it may hold more or less. */
    private static final int BYTES = 256 * 1024;
    /** What every pipe has unless the user's share of pipe pages is used up; less is no gain. */
    private static final int BYTES_MIN = 64 * 1024;

    private final Splice.Pipe pipe;
    private int bytes;

    private KernelPipe(Splice.Pipe pipe) {
        this.pipe = pipe;
    }

    /** Errors: {@link ShimException} when there is no descriptor, or the kernel grants a pipe that is too small to serve. */
    public static KernelPipe open() throws ShimException {
        Splice.Pipe pipe = Splice.pipe(BYTES);
        if (pipe.capacity() < BYTES_MIN) {
            pipe.close();
            throw new ShimException("pipe of " + pipe.capacity() + " bytes", Errno.ENOMEM.number());
        }
        return new KernelPipe(pipe);
    }

    @Override
    public int bytes() {
        return bytes;
    }

    /** Moves up to {@code most} bytes out of a socket: how many, 0 at its end, {@link Splice#AGAIN} for nothing now. */
    public int fill(int socket, int most) throws ShimException {
        int count = (int) Splice.splice(socket, pipe.writeFd(), most, 0);
        bytes += Math.max(0, count);
        return count;
    }

    /** Moves what is in it into a socket: how many bytes, or {@link Splice#AGAIN} when that takes nothing now. */
    public int empty(int socket) throws ShimException {
        int count = (int) Splice.splice(pipe.readFd(), socket, bytes, 0);
        bytes -= Math.max(0, count);
        return count;
    }

    @Override
    protected void close() {
        pipe.close();
    }
}
