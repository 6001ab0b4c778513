package io.culvert.agent.sim;

import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.protocol.net.IpPort;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One end of a TCP connection that loses and delays nothing; what was received stays readable after a reset, as on Linux. Where
 * chance should have its say, {@link SimNet} connects.
 */
public final class SimPipe implements AcceptedSocket {
    private final SimLoop loop;
    private final InetSocketAddress local;
    private final InetSocketAddress remote;
    private final ByteBuffer in;
    private @Nullable SimPipe other;
    private @Nullable Listener listener;
    private boolean cut;
    private boolean fin;
    private boolean finSent;
    private boolean reset;
    private boolean readable;
    private boolean writable = true;
    private boolean awaits;
    private boolean errorSeen;
    private @Nullable String failure;
    private boolean closed;
    private boolean queued;

    private SimPipe(SimLoop loop, InetSocketAddress local, InetSocketAddress remote, int capacity) {
        this.loop = loop;
        this.local = local;
        this.remote = remote;
        this.in = ByteBuffer.allocate(capacity);
    }

    /** Two ends, each of which holds so many bytes that were not read. */
    public static SimPipe[] pair(SimLoop loop, String from, int fromPort, String to, int toPort, int capacity) {
        InetSocketAddress a = new InetSocketAddress(from, fromPort);
        InetSocketAddress b = new InetSocketAddress(to, toPort);
        SimPipe near = new SimPipe(loop, a, b, capacity);
        SimPipe far = new SimPipe(loop, b, a, capacity);
        near.other = far;
        far.other = near;
        return new SimPipe[] {near, far};
    }

    /** Writes fail from now on, as after a reset that epoll has not told of yet. */
    public void cut() {
        cut = true;
    }

    private SimPipe other() {
        SimPipe peer = other;
        if (peer == null) {
            throw new IllegalStateException();
        }
        return peer;
    }

    private void edge() {
        if (!queued && !closed) {
            queued = true;
            loop.outside(this::tell, 0);
        }
    }

    private void tell() {
        queued = false;
        if (closed) {
            return;
        }
        errorSeen |= reset;
        readable |= reset || fin || in.position() > 0;
        if (awaits && (reset || other().in.hasRemaining())) {
            awaits = false;
            writable = true;
        }
        Listener told = listener;
        if (told != null) {
            told.onReady();
        }
    }

    private void becomeReset() {
        if (!reset && !closed) {
            reset = true;
            edge();
        }
    }

    @Override
    public void listener(Listener next) {
        listener = next;
    }

    @Override
    public boolean isReadable() {
        return readable && !closed;
    }

    @Override
    public boolean isWritable() {
        return writable && !closed;
    }

    @Override
    public boolean errorSeen() {
        return errorSeen;
    }

    /** Once it breaks it is not by a reset, but by this. */
    public void failure(String text) {
        failure = text;
    }

    @Override
    public @Nullable String failure() {
        return failure;
    }

    @Override
    public int read(ByteBuffer into) {
        if (closed) {
            return BROKEN;
        }
        in.flip();
        int count = Math.min(in.remaining(), into.remaining());
        boolean full = count == into.remaining();
        into.put(into.position(), in, 0, count);
        into.position(into.position() + count);
        in.position(count);
        in.compact();
        if (count > 0) {
            readable = full || fin || reset;
            if (other().awaits) {
                other().edge();
            }
            return count;
        }
        readable = false;
        if (reset) {
            errorSeen = true;
            return BROKEN;
        }
        return fin ? END : 0;
    }

    @Override
    public int write(ByteBuffer from) {
        if (closed || reset || cut) {
            errorSeen = true;
            readable = true;
            return BROKEN;
        }
        SimPipe to = other();
        if (to.closed) {
            loop.outside(this::becomeReset, 0);
            int gone = from.remaining();
            from.position(from.limit());
            return gone;
        }
        int count = Math.min(from.remaining(), to.in.remaining());
        to.in.put(to.in.position(), from, from.position(), count);
        to.in.position(to.in.position() + count);
        from.position(from.position() + count);
        if (count > 0) {
            to.edge();
        }
        if (from.hasRemaining()) {
            writable = false;
            awaits = true;
        }
        return count;
    }

    @Override
    public void shutdownWrite() {
        if (!closed && !finSent && !reset) {
            finSent = true;
            other().fin = true;
            other().edge();
        }
    }

    @Override
    public void abort() {
        if (!closed) {
            closed = true;
            listener = null;
            loop.outside(other()::becomeReset, 0);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (in.position() > 0) {
            abort();
        } else {
            shutdownWrite();
            closed = true;
            listener = null;
        }
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }

    @Override
    public InetSocketAddress localAddress() {
        return local;
    }

    @Override
    public @Nullable IpPort originalDestination() {
        return null;
    }

    @Override
    public boolean isResetAlready() {
        return errorSeen;
    }
}
