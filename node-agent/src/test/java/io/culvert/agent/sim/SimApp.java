package io.culvert.agent.sim;

import io.culvert.agent.relay.RelaySocket;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;

/**
 * An application at the end of a connection: sends a known sequence of bytes at its own pace, checks what it reads
 * against the sequence that the other application sends, ends in good order, or breaks off.
 */
public final class SimApp implements RelaySocket.Listener {
    /** How an application behaves. */
    private enum Manner {
        /** Sends all, ends its direction, reads to the end. */
        ORDERLY,
        /** Resets in the middle of things. */
        RESETTING,
        /** Closes once it has sent all, without reading on. */
        HASTY
    }

    private final SimLoop loop;
    private final Gen gen;
    private final RelaySocket socket;
    private final String name;
    private final int ownSalt;
    private final int otherSalt;
    private final Manner manner;
    private final int toSend;
    private final int chunkMax;
    private final int pauseNanosMax;
    private final int breakAfter;
    private final boolean awaitsEndFirst;
    private final ByteBuffer buffer = ByteBuffer.allocate(8 * 1024);
    private int sent;
    private int received;
    private int acts;
    private boolean ended;
    private boolean sawEnd;
    private boolean sawReset;
    private boolean broke;
    private boolean scheduled;

    /**
     * An application with a character drawn from the generator; it begins at once.
     *
     * @param number which pair of applications it belongs to; their bytes differ from all others
     * @param server whether it may wait for the other's end before its own; one of two has to begin
     * @param bytesMax how much it sends at most
     * @param orderly whether it must not break off
     */
    public SimApp(SimNet net, RelaySocket socket, int number, boolean server, int bytesMax, boolean orderly) {
        this.loop = net.loop;
        this.gen = net.gen;
        this.socket = socket;
        this.name = (server ? "server" : "client") + number;
        this.ownSalt = 2 * number + (server ? 1 : 0);
        this.otherSalt = 2 * number + (server ? 0 : 1);
        this.manner = orderly ? Manner.ORDERLY : gen.pick(Manner.ORDERLY, Manner.RESETTING, Manner.HASTY);
        this.toSend = gen.size(bytesMax);
        this.chunkMax = gen.pick(1, 100, 8_192) + gen.intBetween(0, 50);
        this.pauseNanosMax = gen.pick(1, 1_000, 1_000_000);
        this.breakAfter = gen.intBetween(0, 40);
        this.awaitsEndFirst = server && gen.oneIn(4);
        socket.listener(this);
        later();
    }

    private boolean mayEnd() {
        return !awaitsEndFirst || sawEnd;
    }

    @Override
    public void onReady() {
        later();
    }

    private void later() {
        if (!scheduled && !socket.isClosed()) {
            scheduled = true;
            loop.happen(this::act, gen.intBetween(0, pauseNanosMax));
        }
    }

    private void act() {
        scheduled = false;
        if (socket.isClosed()) {
            return;
        }
        acts++;
        if (manner == Manner.RESETTING && acts > breakAfter) {
            broke = true;
            socket.abort();
            return;
        }
        boolean moved = false;
        if (!sawEnd && socket.isReadable()) {
            moved = read();
        }
        if (!socket.isClosed() && !ended && socket.isWritable()) {
            moved |= write();
        }
        if (!socket.isClosed() && sawEnd && ended) {
            socket.close();
        }
        if (moved || socket.isReadable() && !sawEnd) {
            later();
        }
    }

    private boolean read() {
        buffer.clear().limit(Math.min(buffer.capacity(), gen.intBetween(1, chunkMax)));
        int count = socket.read(buffer);
        if (count == RelaySocket.BROKEN) {
            onBroken();
            return false;
        }
        if (count == RelaySocket.END) {
            sawEnd = true;
            return true;
        }
        for (int i = 0; i < count; i++) {
            if (buffer.get(i) != pattern(otherSalt, received + i)) {
                throw new AssertionError(name + " read a wrong byte at " + (received + i));
            }
        }
        received += count;
        return count > 0;
    }

    private boolean write() {
        if (sent == toSend) {
            return end();
        }
        int count = Math.min(toSend - sent, Math.min(buffer.capacity(), gen.intBetween(1, chunkMax)));
        buffer.clear();
        for (int i = 0; i < count; i++) {
            buffer.put(i, pattern(ownSalt, sent + i));
        }
        int taken = socket.write(buffer.limit(count));
        if (taken == RelaySocket.BROKEN) {
            onBroken();
            return false;
        }
        sent += taken;
        return taken > 0;
    }

    private boolean end() {
        if (manner == Manner.HASTY) {
            broke = true;
            socket.close();
            return false;
        }
        if (!mayEnd()) {
            return false;
        }
        ended = true;
        socket.shutdownWrite();
        return true;
    }

    private void onBroken() {
        sawReset = true;
        socket.abort();
    }

    private static byte pattern(int salt, int at) {
        return (byte) (salt + at * 31 + (at >>> 8) * 17);
    }

    public int sent() {
        return sent;
    }

    public int received() {
        return received;
    }

    /** Sent all, and read the end of the other's bytes. */
    public boolean isContent() {
        return ended && sawEnd && sent == toSend && !sawReset;
    }

    /** Met a broken connection that it did not break itself. */
    public boolean sawReset() {
        return sawReset;
    }

    public boolean sawEnd() {
        return sawEnd;
    }

    /** Whether all that it has to send was sent, and its end told, in whatever manner. */
    public boolean saidAll() {
        return sent == toSend && (ended || manner == Manner.HASTY && broke);
    }

    /** Is through with its connection. */
    public boolean isOver() {
        return socket.isClosed();
    }

    /** Broke off itself, or closed without waiting for the other's end. */
    public boolean broke() {
        return broke;
    }

    /** Reset the connection itself. */
    public boolean reset() {
        return broke && manner == Manner.RESETTING;
    }

    @Override
    public String toString() {
        return name + "[" + manner + " sent " + sent + "/" + toSend + (ended ? " ended" : "") + ", received " + received
                + (sawEnd ? " end" : "") + (sawReset ? " saw reset" : "") + (broke ? " broke" : "")
                + (awaitsEndFirst ? " awaits end" : "") + ", " + socket + "]";
    }
}
