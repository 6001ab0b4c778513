package io.culvert.perf;

import io.culvert.agent.base.Pipe;
import io.culvert.agent.relay.RelaySocket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A socket without a kernel: what it receives has any content, what it is to send is taken. */
final class StillSocket implements RelaySocket {
    private final boolean splices;
    private @Nullable Listener listener;
    private int unread;
    long sent;

    StillSocket(boolean splices) {
        this.splices = splices;
    }

    static Pipe pipe() {
        return new StillPipe();
    }

    @Override
    public boolean splices() {
        return splices;
    }

    @Override
    public int read(Pipe into, int most) {
        int count = unread;
        ((StillPipe) into).bytes = count;
        unread = 0;
        return count;
    }

    @Override
    public int write(Pipe from) {
        int count = from.bytes();
        ((StillPipe) from).bytes = 0;
        sent += count;
        return count;
    }

    void receive(int bytes) {
        unread += bytes;
        Objects.requireNonNull(listener).onReady();
    }

    @Override
    public void listener(Listener next) {
        listener = next;
    }

    @Override
    public boolean isReadable() {
        return unread > 0;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public boolean errorSeen() {
        return false;
    }

    @Override
    public int read(ByteBuffer into) {
        int count = Math.min(unread, into.remaining());
        into.position(into.position() + count);
        unread -= count;
        return count;
    }

    @Override
    public int write(ByteBuffer from) {
        int count = from.remaining();
        from.position(from.limit());
        sent += count;
        return count;
    }

    @Override
    public void shutdownWrite() {
        throw new IllegalStateException("nothing ends here");
    }

    @Override
    public void abort() {
        throw new IllegalStateException("nothing breaks here");
    }

    @Override
    public void close() {
        throw new IllegalStateException("nothing ends here");
    }

    @Override
    public boolean isClosed() {
        return false;
    }

    @Override
    public @Nullable InetSocketAddress remoteAddress() {
        return null;
    }

    @Override
    public @Nullable InetSocketAddress localAddress() {
        return null;
    }

    private static final class StillPipe extends Pipe {
        private int bytes;

        @Override
        public int bytes() {
            return bytes;
        }

        @Override
        protected void close() {
            bytes = 0;
        }
    }
}
