package io.culvert.agent.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.base.Pipe;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.shim.KernelTls;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A simulated socket whose "kernel" makes and reads records like those of the null engine, once it has keys: a type, a length of
 * four octets, and the payload. As the real one, it tells of a record only when it is whole, keeps what TCP does not take, and
 * loses that when the direction is ended too early.
 */
public final class SimTlsSocket implements TlsSocket, RelaySocket.Listener {
    private static final int HEADER_BYTES = 5;
    private static final int PAYLOAD_BYTES_MAX = 16_384;
    private static final int DATA = 2;
    private static final int CLOSE = 3;
    private static final int ALERT = 4;

    private final SimSocket socket;
    private final Gen gen;
    private final LongSupplier sent;
    private final LongSupplier received;
    private final ByteBuffer record = ByteBuffer.allocate(HEADER_BYTES + PAYLOAD_BYTES_MAX);
    private final ByteRing ahead = new ByteRing();
    private final ByteRing pending = new ByteRing();
    private @Nullable Listener listener;
    private boolean attached;
    private boolean makes;
    private boolean reads;
    private boolean whole;
    private boolean writable = true;
    private long spliced;

    /**
     * A socket.
     *
     * @param sent how many records the engine has made by now
     * @param received how many it has read
     */
    public SimTlsSocket(SimSocket socket, Gen gen, LongSupplier sent, LongSupplier received) {
        this.socket = socket;
        this.gen = gen;
        this.sent = sent;
        this.received = received;
    }

    /** Whether records are made and read here. */
    public boolean isHandedOver() {
        return makes && reads;
    }

    /** How many bytes went by way of pipes. */
    public long spliced() {
        return spliced;
    }

    // ---- the kernel -------------------------------------------------------------------------------------------------

    @Override
    public void attachTls() {
        attached = true;
    }

    @Override
    public void sendKeys(KernelTls.Keys keys, long sequence) {
        assertEquals(sent.getAsLong(), sequence, "records made by the engine");
        assertEquals(true, attached && !makes);
        makes = true;
    }

    @Override
    public void receiveKeys(KernelTls.Keys keys, long sequence) {
        assertEquals(received.getAsLong(), sequence, "records read by the engine");
        assertEquals(true, attached && !reads);
        reads = true;
    }

    @Override
    public void onReady() {
        if (pending.size() > 0 && socket.isWritable()) {
            flushPending();
        }
        writable |= pending.size() == 0 && socket.isWritable();
        Listener told = listener;
        if (told != null) {
            told.onReady();
        }
    }

    /** False when the socket broke. */
    private boolean flushPending() {
        byte[] bytes = new byte[pending.size()];
        ByteBuffer out = ByteBuffer.wrap(bytes);
        pending.take(out, bytes.length);
        if (socket.write(out.flip()) == BROKEN) {
            return false;
        }
        pending.put(out, out.remaining());
        return true;
    }

    /** Makes one record of what was written ahead and of what a payload gives; false when the socket broke. */
    private boolean make(int type, ByteBuffer payload) {
        int length = ahead.size() + payload.remaining();
        ByteBuffer made =
                ByteBuffer.allocate(HEADER_BYTES + length).put((byte) type).putInt(length);
        ahead.take(made, ahead.size());
        made.put(payload).flip();
        pending.put(made, made.remaining());
        return flushPending();
    }

    /** 1 when a whole record is there, or as a read answers. */
    private int fill() {
        while (!whole) {
            int wanted = HEADER_BYTES - record.position();
            if (wanted <= 0) {
                wanted = HEADER_BYTES + record.getInt(1) - record.position();
            }
            if (wanted == 0) {
                record.flip().position(HEADER_BYTES);
                whole = true;
                break;
            }
            record.limit(record.position() + wanted);
            int count = socket.read(record);
            record.limit(record.capacity());
            if (count <= 0) {
                return count;
            }
        }
        return 1;
    }

    private void took() {
        if (!record.hasRemaining()) {
            record.clear();
            whole = false;
        }
    }

    private boolean isData() {
        return record.get(0) == DATA;
    }

    // ---- reading ----------------------------------------------------------------------------------------------------

    @Override
    public boolean isReadable() {
        return whole || socket.isReadable();
    }

    @Override
    public int read(ByteBuffer into) {
        if (!reads) {
            return socket.read(into);
        }
        int total = 0;
        while (into.hasRemaining()) {
            int there = fill();
            if (there <= 0) {
                return total > 0 ? total : there;
            }
            if (!isData()) {
                return total > 0 ? total : CONTROL;
            }
            int count = Math.min(into.remaining(), record.remaining());
            into.put(into.position(), record, record.position(), count);
            into.position(into.position() + count);
            record.position(record.position() + count);
            total += count;
            took();
            if (gen.oneIn(4)) {
                break;
            }
        }
        return total;
    }

    @Override
    public int read(Pipe into, int most) {
        if (!reads || gen.oneIn(50)) {
            return NOT_SPLICED;
        }
        if (into.bytes() > 0 && gen.oneIn(4)) {
            // Full.
            return 0;
        }
        int total = 0;
        while (total < most) {
            int there = fill();
            if (there <= 0) {
                return total > 0 ? total : there;
            }
            if (!isData()) {
                return total > 0 ? total : CONTROL;
            }
            int count = Math.min(most - total, record.remaining());
            ((MemoryPipe) into).ring.put(record, count);
            total += count;
            spliced += count;
            took();
            if (gen.oneIn(4)) {
                break;
            }
        }
        return total;
    }

    @Override
    public long readControl(byte[] into) {
        int there = fill();
        if (there <= 0) {
            return there;
        }
        int type = record.get(0);
        if (type == DATA) {
            int count = Math.min(into.length, record.remaining());
            record.get(into, 0, count);
            took();
            return 23L << 32 | count;
        }
        into[0] = 1;
        into[1] = (byte) (type == CLOSE ? 0 : 40);
        took();
        return 21L << 32 | 2;
    }

    // ---- writing ----------------------------------------------------------------------------------------------------

    @Override
    public boolean isWritable() {
        return makes ? writable && !socket.isClosed() : socket.isWritable();
    }

    private boolean takesNone() {
        writable = pending.size() == 0;
        return !writable;
    }

    @Override
    public int write(ByteBuffer from) {
        if (!makes) {
            return socket.write(from);
        }
        int total = 0;
        while (from.hasRemaining() && !takesNone()) {
            int count = Math.min(from.remaining(), PAYLOAD_BYTES_MAX - ahead.size());
            boolean whole = make(DATA, from.slice(from.position(), count));
            if (!whole) {
                return BROKEN;
            }
            from.position(from.position() + count);
            total += count;
        }
        return total;
    }

    @Override
    public boolean splices() {
        return true;
    }

    @Override
    public int write(Pipe from) {
        ByteBuffer bytes = ByteBuffer.allocate(from.bytes());
        ByteRing ring = ((MemoryPipe) from).ring;
        int total = 0;
        while (ring.size() > 0 && !takesNone()) {
            int count = Math.min(ring.size(), PAYLOAD_BYTES_MAX - ahead.size());
            ring.take(bytes.clear(), count);
            if (!make(DATA, bytes.flip())) {
                return BROKEN;
            }
            total += count;
            spliced += count;
        }
        return total;
    }

    @Override
    public int writeAhead(ByteBuffer from) {
        if (takesNone()) {
            return socket.isClosed() ? BROKEN : 0;
        }
        int count = from.remaining();
        ahead.put(from, count);
        return count;
    }

    @Override
    public int writeControl(int type, byte[] octets) {
        if (takesNone()) {
            return 0;
        }
        if (ahead.size() > 0 && !make(DATA, ByteBuffer.allocate(0))) {
            return BROKEN;
        }
        assertEquals(21, type);
        return make(octets[1] == 0 ? CLOSE : ALERT, ByteBuffer.allocate(0)) ? octets.length : BROKEN;
    }

    @Override
    public boolean isAcknowledged() {
        return pending.size() == 0 && socket.isAllSent();
    }

    @Override
    public void shutdownWrite() {
        pending.clear();
        socket.shutdownWrite();
    }

    // ---- as it is ---------------------------------------------------------------------------------------------------

    @Override
    public void listener(Listener next) {
        listener = next;
        socket.listener(this);
    }

    @Override
    public boolean errorSeen() {
        return socket.errorSeen();
    }

    @Override
    public void abort() {
        socket.abort();
    }

    @Override
    public void close() {
        socket.close();
    }

    @Override
    public boolean isClosed() {
        return socket.isClosed();
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return socket.remoteAddress();
    }

    @Override
    public InetSocketAddress localAddress() {
        return socket.localAddress();
    }
}
