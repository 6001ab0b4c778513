package io.culvert.agent.sim;

import io.culvert.agent.base.Pipe;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.protocol.net.IpPort;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One end of a simulated TCP connection, told of readiness on the edge as epoll does, some time after the fact. A reset
 * leaves what has arrived readable, as Linux does; closing with unread bytes resets.
 */
public final class SimSocket implements AcceptedSocket {
    private static final int PIPE_BYTES_MAX = 70_000;

    private final SimNet net;
    private final InetSocketAddress local;
    private final InetSocketAddress remote;
    private final int sendBytesMax;
    private final int receiveBytesMax;
    private final ByteRing outgoing = new ByteRing();
    private final ByteRing arrived = new ByteRing();
    private @Nullable SimSocket other;
    private @Nullable Listener listener;
    private @Nullable IpPort redirectedFrom;

    // What the kernel knows.
    private boolean finQueued;
    private boolean finDelivered;
    private boolean finArrived;
    private boolean reset;
    private boolean transferring;

    // What the owner has been told.
    private boolean readable;
    private boolean writable = true;
    private boolean awaitingWritable;
    private boolean readHungUp;
    private boolean errorSeen;
    private boolean closed;
    private boolean eventQueued;

    SimSocket(SimNet net, InetSocketAddress local, InetSocketAddress remote, int sendBytesMax, int receiveBytesMax) {
        this.net = net;
        this.local = local;
        this.remote = remote;
        this.sendBytesMax = sendBytesMax;
        this.receiveBytesMax = receiveBytesMax;
    }

    void tie(SimSocket peer) {
        other = peer;
    }

    private SimSocket other() {
        SimSocket peer = other;
        if (peer == null) {
            throw new IllegalStateException("not connected");
        }
        return peer;
    }

    // ---- network ----------------------------------------------------------------------------------------------------

    private void transfer() {
        if (!transferring && !reset && (outgoing.size() > 0 || finQueued && !finDelivered)) {
            transferring = true;
            net.loop.happen(this::transferNow, net.delay());
        }
    }

    private void transferNow() {
        transferring = false;
        SimSocket to = other();
        if (reset) {
            return;
        }
        if (outgoing.size() > 0) {
            if (to.closed) {
                to.answerWithReset();
                return;
            }
            int room = to.receiveBytesMax - to.arrived.size();
            int most = Math.min(outgoing.size(), room);
            int count = most <= 0 ? 0 : net.gen.oneIn(2) ? most : net.gen.intBetween(1, most);
            if (count > 0) {
                outgoing.moveTo(to.arrived, count);
                to.edge();
                edge();
            } else {
                // The receiver's buffer is full: reading starts it again.
                return;
            }
        } else if (finQueued && !finDelivered) {
            finDelivered = true;
            to.finArrived = true;
            to.edge();
        }
        transfer();
    }

    private void answerWithReset() {
        net.loop.happen(other()::becomeReset, net.delay());
    }

    private void becomeReset() {
        if (!reset) {
            reset = true;
            outgoing.clear();
            edge();
        }
    }

    /** The network loses the connection: both ends find it reset. */
    public void breakOff() {
        if (!closed) {
            becomeReset();
        }
        if (!other().closed) {
            other().becomeReset();
        }
    }

    /** What epoll has to tell is told later, once for all that happened by then. */
    private void edge() {
        if (!eventQueued && !closed) {
            eventQueued = true;
            net.loop.happen(this::tell, net.gen.oneIn(2) ? 0 : net.delay());
        }
    }

    private void tell() {
        eventQueued = false;
        if (closed) {
            return;
        }
        boolean hungUp = finArrived && finQueued;
        errorSeen |= reset;
        readHungUp |= reset || finArrived;
        readable |= reset || finArrived || arrived.size() > 0 || hungUp;
        if (reset || awaitingWritable && outgoing.size() < sendBytesMax) {
            writable = true;
            awaitingWritable = false;
        }
        Listener told = listener;
        if (told != null) {
            told.onReady();
        }
    }

    // ---- owner ------------------------------------------------------------------------------------------------------

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

    @Override
    public int read(ByteBuffer into) {
        if (closed) {
            return BROKEN;
        }
        int wanted = into.remaining();
        int count = Math.min(wanted, arrived.size());
        if (count > 0) {
            arrived.take(into, count);
            readable = count == wanted || readHungUp;
            other().transfer();
            return count;
        }
        return nothingRead();
    }

    private int nothingRead() {
        readable = false;
        if (reset) {
            errorSeen = true;
            return BROKEN;
        }
        if (finArrived) {
            return errorSeen ? BROKEN : END;
        }
        return 0;
    }

    private boolean takesBytes() {
        if (closed || reset) {
            errorSeen = true;
            readable = true;
            return false;
        }
        if (finQueued) {
            throw new IllegalStateException("written after the end");
        }
        return true;
    }

    @Override
    public int write(ByteBuffer from) {
        if (!takesBytes()) {
            return BROKEN;
        }
        int count = Math.min(from.remaining(), sendBytesMax - outgoing.size());
        outgoing.put(from, count);
        if (from.hasRemaining()) {
            writable = false;
            awaitingWritable = true;
        }
        transfer();
        return count;
    }

    @Override
    public boolean splices() {
        return net.splices;
    }

    @Override
    public int read(Pipe into, int wanted) {
        if (closed) {
            return BROKEN;
        }
        if (net.gen.oneIn(100)) {
            return NOT_SPLICED;
        }
        int room = PIPE_BYTES_MAX - into.bytes();
        if (room <= 0 || into.bytes() > 0 && net.gen.oneIn(4)) {
            // Full: pieces take a place each, however short they are.
            return 0;
        }
        int most = Math.min(Math.min(room, wanted), arrived.size());
        if (most > 0) {
            int count = net.gen.oneIn(2) ? most : net.gen.intBetween(1, most);
            arrived.moveTo(((MemoryPipe) into).ring, count);
            other().transfer();
            return count;
        }
        return nothingRead();
    }

    @Override
    public int write(Pipe from) {
        if (!takesBytes()) {
            return BROKEN;
        }
        int count = Math.min(from.bytes(), sendBytesMax - outgoing.size());
        ((MemoryPipe) from).ring.moveTo(outgoing, count);
        if (from.bytes() > 0) {
            writable = false;
            awaitingWritable = true;
        }
        transfer();
        return count;
    }

    @Override
    public void shutdownWrite() {
        if (reset) {
            readable = true;
        } else if (!closed && !finQueued) {
            finQueued = true;
            transfer();
        }
    }

    @Override
    public void abort() {
        if (!closed) {
            closed = true;
            listener = null;
            resetPeer();
        }
    }

    private void resetPeer() {
        if (!reset) {
            reset = true;
            outgoing.clear();
            net.loop.happen(other()::becomeReset, net.delay());
        }
        arrived.clear();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        listener = null;
        if (arrived.size() > 0) {
            resetPeer();
        } else if (!reset && !finQueued) {
            finQueued = true;
            transfer();
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

    /** Whether the peer has acknowledged all that was written. */
    boolean isAllSent() {
        return outgoing.size() == 0 || reset;
    }

    /** Pretends that a redirect rule sent the client here. */
    public void redirectedFrom(IpPort destination) {
        redirectedFrom = destination;
    }

    @Override
    public boolean isResetAlready() {
        return errorSeen;
    }

    @Override
    public @Nullable IpPort originalDestination() {
        return redirectedFrom;
    }

    @Override
    public String toString() {
        return local + "->" + remote + (closed ? " closed" : "") + (reset ? " reset" : "") + " out " + outgoing.size()
                + (finQueued ? finDelivered ? " fin" : " fin queued" : "") + " in " + arrived.size()
                + (finArrived ? " end" : "") + (readable ? " readable" : "") + (writable ? " writable" : "");
    }
}
