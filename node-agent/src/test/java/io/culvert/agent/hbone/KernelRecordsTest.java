package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.tls.TrafficSecret;
import io.culvert.shim.KernelTls;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Records that the kernel makes and reads, where the kernel is the test. */
class KernelRecordsTest {
    private static final int ALERT = 21;
    private static final int HANDSHAKE = 22;
    private static final int DATA = 23;

    private final SimLoop loop = new SimLoop(1L << 20);
    private final Kernel kernel = new Kernel();
    private final Owner owner = new Owner();

    private KernelRecords records(boolean client, boolean canChange) {
        KernelKeys keys = new KernelKeys(secret(), secret(), client, canChange);
        return new KernelRecords(loop, kernel, keys, owner);
    }

    private static TrafficSecret secret() {
        return TrafficSecret.of("TLS_AES_128_GCM_SHA256", new byte[32]);
    }

    /** Answers as it was told to, one record for each read. */
    private static final class Kernel implements TlsSocket {
        private final ArrayDeque<Object[]> records = new ArrayDeque<>();
        private final List<String> told = new ArrayList<>();
        private int answer;

        void has(int type, int... octets) {
            byte[] bytes = new byte[octets.length];
            for (int i = 0; i < octets.length; i++) {
                bytes[i] = (byte) octets[i];
            }
            records.add(new Object[] {type, bytes});
        }

        @Override
        public int read(ByteBuffer into) {
            Object[] next = records.peek();
            if (next == null) {
                return answer;
            }
            if ((int) next[0] != DATA) {
                return CONTROL;
            }
            byte[] bytes = (byte[]) next[1];
            int count = Math.min(bytes.length, into.remaining());
            into.put(bytes, 0, count);
            records.remove();
            if (count < bytes.length) {
                records.addFirst(new Object[] {DATA, Arrays.copyOfRange(bytes, count, bytes.length)});
            }
            return count;
        }

        @Override
        public long readControl(byte[] into) {
            Object[] next = records.poll();
            if (next == null) {
                return answer;
            }
            byte[] bytes = (byte[]) next[1];
            System.arraycopy(bytes, 0, into, 0, bytes.length);
            return (long) (int) next[0] << 32 | bytes.length;
        }

        @Override
        public void attachTls() {}

        @Override
        public void sendKeys(KernelTls.Keys keys, long sequence) {
            told.add("send " + sequence);
        }

        @Override
        public void receiveKeys(KernelTls.Keys keys, long sequence) {
            told.add("receive " + sequence);
        }

        @Override
        public int writeControl(int type, byte[] octets) {
            return octets.length;
        }

        @Override
        public int writeAhead(ByteBuffer from) {
            return 0;
        }

        @Override
        public boolean isAcknowledged() {
            return true;
        }

        @Override
        public void listener(Listener next) {}

        @Override
        public boolean isReadable() {
            return true;
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
        public int write(ByteBuffer from) {
            return 0;
        }

        @Override
        public void shutdownWrite() {}

        @Override
        public void abort() {}

        @Override
        public void close() {}

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
    }

    /** Notes what it is told. */
    private static final class Owner implements RecordLayer.Owner {
        private final ByteBuffer received = ByteBuffer.allocate(1 << 16);
        private final List<String> pushed = new ArrayList<>();
        private final List<Integer> moved = new ArrayList<>();
        private int payloadLeft;
        private int untilHeader = 9;
        private boolean takes = true;
        private Transport.@Nullable Failure failure;
        private @Nullable Throwable cause;

        @Override
        public void onSecured() {
            throw new AssertionError("the handshake is the library's");
        }

        @Override
        public boolean isSecured() {
            return true;
        }

        @Override
        public boolean isClosed() {
            return failure != null;
        }

        @Override
        public void deliver(ByteBuffer plain) {
            received.put(plain.flip());
        }

        @Override
        public void push(ByteBuffer out) {
            pushed.add(out.remaining() + " bytes");
        }

        @Override
        public void pushControl(int type, byte[] octets) {
            pushed.add(type + " " + HexFormat.of().formatHex(octets));
        }

        @Override
        public int payloadLeft() {
            return payloadLeft;
        }

        @Override
        public int untilHeader() {
            return untilHeader;
        }

        @Override
        public int onPayload(RelaySocket from, int most) {
            if (!takes) {
                return RelaySocket.NOT_SPLICED;
            }
            moved.add(most);
            payloadLeft -= most;
            return most;
        }

        @Override
        public void fail(Transport.Failure how, @Nullable Throwable why) {
            assertNull(failure, "told once");
            failure = how;
            cause = why;
        }
    }

    private String cause() {
        Throwable why = owner.cause;
        assertNotNull(why);
        return String.valueOf(why.getMessage());
    }

    @Test
    void endsInGoodOrder_byThePeersGoodBye() {
        KernelRecords records = records(true, true);
        kernel.has(DATA, 1, 2, 3);
        kernel.has(ALERT, 1, 0);
        records.read();
        assertEquals(3, owner.received.position());
        records.read();
        assertEquals(Transport.Failure.CLOSED_BY_PEER, owner.failure);
        assertEquals(List.of("21 0100"), owner.pushed);
    }

    @Test
    void endsByAnyOtherAlert_butOneThatMeansNothing() {
        KernelRecords records = records(false, true);
        kernel.has(ALERT, 1, 90);
        records.read();
        assertNull(owner.failure);
        kernel.has(ALERT, 2, 42);
        records.read();
        assertEquals(Transport.Failure.TLS, owner.failure);
        assertTrue(cause().contains("alert 42"), cause());
        records.sayLastWord(RecordLayer.LastWord.ALERT);
        assertEquals(List.of("21 0100"), owner.pushed, "an alert is not answered by another");
    }

    @Test
    void saysWhatIsWrong_withARecordThatIsNone() {
        KernelRecords records = records(false, true);
        kernel.answer = TlsSocket.FORGED;
        records.read();
        assertEquals(Transport.Failure.TLS, owner.failure);
        records.sayLastWord(RecordLayer.LastWord.ALERT);
        assertEquals(List.of("21 0214"), owner.pushed);
    }

    @Test
    void tellsTheEnd_fromABrokenConnection() {
        kernel.answer = RelaySocket.END;
        records(false, true).read();
        assertEquals(Transport.Failure.CLOSED_BY_PEER, owner.failure);
        owner.failure = null;
        kernel.answer = RelaySocket.BROKEN;
        records(false, true).read();
        assertEquals(Transport.Failure.BROKEN, owner.failure);
    }

    @Test
    void followsThePeersKeys_andChangesItsOwnWhenAsked() throws Exception {
        KernelRecords records = records(false, true);
        kernel.has(HANDSHAKE, 24, 0, 0, 1, 0);
        records.read();
        assertEquals(List.of("receive 0"), kernel.told);
        assertEquals(List.of(), owner.pushed);
        kernel.has(HANDSHAKE, 24, 0, 0, 1, 1);
        records.read();
        assertEquals(List.of("22 1800000100"), owner.pushed);
        assertEquals(List.of("receive 0", "receive 0"), kernel.told);
        records.controlSent(HANDSHAKE);
        assertEquals(List.of("receive 0", "receive 0", "send 0"), kernel.told);
        records.controlSent(ALERT);
        assertEquals(3, kernel.told.size());
        assertNull(owner.failure);
    }

    @Test
    void leavesInGoodOrder_whereTheKernelCannotFollow() {
        KernelRecords records = records(false, false);
        kernel.has(HANDSHAKE, 24, 0, 0, 1, 0);
        records.read();
        assertEquals(Transport.Failure.TLS, owner.failure);
        assertTrue(cause().contains("changed its keys"), cause());
        records.sayLastWord(RecordLayer.LastWord.ALERT);
        assertEquals(List.of("21 0100"), owner.pushed);
        assertEquals(List.of(), kernel.told);
    }

    @Test
    void takesNoFloodOfRecordsThatSayNothing() {
        KernelRecords records = records(true, true);
        for (int i = 0; i < 32; i++) {
            kernel.has(ALERT, 1, 90);
            records.read();
            assertNull(owner.failure);
        }
        kernel.has(DATA, 1);
        records.read();
        for (int i = 0; i < 33; i++) {
            assertNull(owner.failure);
            kernel.has(ALERT, 1, 90);
            records.read();
        }
        assertEquals(Transport.Failure.TLS, owner.failure);
    }

    @Test
    void takesNoOtherRecords() {
        kernel.has(20, 1);
        records(true, true).read();
        assertEquals(Transport.Failure.TLS, owner.failure);
        owner.failure = null;
        kernel.has(HANDSHAKE, 13, 0, 0, 1);
        KernelRecords records = records(true, true);
        records.read();
        assertEquals(Transport.Failure.TLS, owner.failure);
        records.sayLastWord(RecordLayer.LastWord.ALERT);
        assertEquals(List.of("21 020a"), owner.pushed);
    }

    @Test
    void readsHeadersAlone_betweenFramesThatAreMoved() {
        KernelRecords records = records(true, true);
        owner.payloadLeft = 270_000;
        records.read();
        records.read();
        assertEquals(List.of(262_144, 7_856), owner.moved, "what is left of a frame is moved, however short");
        kernel.has(DATA, new int[40]);
        records.read();
        assertEquals(9, owner.received.position());
        owner.untilHeader = 4 + 9;
        records.read();
        assertEquals(9 + 13, owner.received.position(), "of a frame without payload all, and the next header");
        owner.payloadLeft = 9_000;
        records.read();
        assertEquals(3, owner.moved.size());
        owner.untilHeader = 9;
        records.read();
        assertEquals(9 + 13 + 9, owner.received.position());
        owner.payloadLeft = 2;
        kernel.has(DATA, new int[40]);
        records.read();
        assertEquals(3, owner.moved.size(), "a short frame is read");
        assertEquals(31 + 9, owner.received.position(), "with a header, were it not for the record's end");
        owner.payloadLeft = 2;
        records.read();
        assertEquals(40 + 2 + 9, owner.received.position());
    }

    @Test
    void readsNoFurtherThanAPayload_thatCannotBeMoved() {
        KernelRecords records = records(true, true);
        owner.payloadLeft = 9_000;
        owner.takes = false;
        kernel.has(DATA, new int[9_020]);
        records.read();
        assertEquals(9_009, owner.received.position());
    }

    @Test
    void readsWhatThereIs_whenNoPayloadHasComeForLong() {
        KernelRecords records = records(true, true);
        owner.payloadLeft = 9_000;
        records.read();
        for (int headers = 0; headers < 16; headers++) {
            kernel.has(DATA, new int[9]);
            records.read();
        }
        owner.received.clear();
        kernel.records.clear();
        kernel.has(DATA, new int[12]);
        records.read();
        assertEquals(12, owner.received.position());
    }
}
