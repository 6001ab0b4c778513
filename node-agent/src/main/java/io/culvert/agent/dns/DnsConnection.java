package io.culvert.agent.dns;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.Turn;
import io.culvert.protocol.dns.DnsFrames;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * One client's TCP connection: query after query, answered in whatever order the answers come.
 *
 * <p>Runs on: its loop. Owns: its socket. Bounds: {@link #QUERIES_MAX} queries whose answers are not out yet, after which it is
 * not read; {@link #IDLE_NANOS} without a whole query or an answer.
 *
 * <p>Source: RFC 7766.
 */
final class DnsConnection implements RelaySocket.Listener {
    static final int QUERIES_MAX = 32;
    static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Whom it tells. */
    interface Owner {
        void onClosed(DnsConnection connection);
    }

    private final Loop loop;
    private final RelaySocket socket;
    private final PodResolver resolver;
    private final Owner owner;
    private final Turn turn;
    private final DnsPipe pipe;
    private final ArrayDeque<ByteBuffer> out = new ArrayDeque<>();
    private final Deadline idle = new Deadline();
    private int underWay;
    private boolean progress;
    private boolean ended;
    private boolean draining;
    private boolean closed;

    DnsConnection(Loop loop, RelaySocket socket, PodResolver resolver, Owner owner) {
        this.loop = loop;
        this.socket = socket;
        this.resolver = resolver;
        this.owner = owner;
        this.turn = new Turn(loop, this);
        this.pipe = new DnsPipe(loop, socket);
    }

    void start() {
        socket.listener(this);
        idle.start(loop, this::look, IDLE_NANOS);
        onReady();
    }

    /** Whether anything happened since the last look. */
    private void look() {
        if (!progress && underWay == 0) {
            close();
            return;
        }
        progress = false;
        idle.start(loop, this::look, IDLE_NANOS);
    }

    @Override
    public void onReady() {
        write();
        while (!closed && takesMore()) {
            byte[] query = pipe.next();
            if (query != null) {
                ask(query);
            } else if (ended || !socket.isReadable() || !read()) {
                break;
            }
        }
        if (!closed && underWay == 0 && out.isEmpty() && (ended || draining)) {
            close();
        }
    }

    private boolean takesMore() {
        return !draining && underWay + out.size() < QUERIES_MAX;
    }

    /** Reads once; false when there was nothing. */
    private boolean read() {
        int count = pipe.read();
        if (count == RelaySocket.BROKEN) {
            close();
        } else if (count == RelaySocket.END) {
            ended = true;
        }
        return count > 0;
    }

    private void ask(byte[] query) {
        underWay++;
        progress = true;
        resolver.resolve(query, DnsProtocol.TCP, new PodResolver.Reply() {
            @Override
            public void send(byte[] response) {
                underWay--;
                out.addLast(DnsFrames.framed(response));
                // Not at once: this may be within the reading of another query.
                turn.request();
            }

            @Override
            public void nothing() {
                underWay--;
                close();
            }
        });
    }

    private void write() {
        while (!closed && !out.isEmpty()) {
            ByteBuffer next = out.peekFirst();
            int taken = pipe.write(next);
            if (taken == RelaySocket.BROKEN) {
                close();
                return;
            }
            progress |= taken > 0;
            if (next.hasRemaining()) {
                return;
            }
            out.removeFirst();
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        close();
    }

    /** Reads no more; closes once every answer is out. */
    void drain() {
        draining = true;
        turn.request();
    }

    void close() {
        if (!closed) {
            closed = true;
            idle.cancel();
            out.clear();
            socket.close();
            owner.onClosed(this);
        }
    }
}
