package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;

/**
 * Records made and read by the kernel, so that payload need not come into the process: once a frame of some length has begun,
 * its payload goes to the application by way of a pipe, and from then on only frame headers are read, for as long as such
 * frames follow.
 *
 * <p>Runs on: its transport's loop. Owns: the keys, which are forgotten with it.
 *
 * <p>Bounds: {@value #SILENT_RECORDS_MAX} records in a row that are no data; of a message of the handshake protocol nothing is
 * kept but its header.
 *
 * <p>Source: the kernel's Documentation/networking/tls.rst; RFC 8446, sections 4.6, 5.1 and 6.
 */
final class KernelRecords implements RecordLayer {
    /** Less than this is read and written rather than moved by way of a pipe. */
    static final int SPLICE_BYTES_MIN = 8 * 1_024;

    private static final int SPLICE_BYTES_MAX = 4 * Loop.READ_BYTES_MAX;
    private static final int ALERT = 21;
    private static final int HANDSHAKE = 22;

    private static final int DATA = 23;
    /** So often in a row nothing could be moved, and what comes is read as it comes again. */
    private static final int READS_ALONE_MAX = 16;

    private static final int SILENT_RECORDS_MAX = 32;
    private static final int CONTROL_BYTES_MAX = 512;

    private static final byte WARNING = 1;
    private static final byte FATAL = 2;
    private static final byte CLOSE_NOTIFY = 0;
    private static final byte UNEXPECTED_MESSAGE = 10;
    private static final byte BAD_RECORD_MAC = 20;
    private static final byte USER_CANCELED = 90;

    private final Loop loop;
    private final TlsSocket socket;
    private final KernelKeys keys;
    private final Owner owner;
    private final PostHandshake messages;
    private final byte[] control = new byte[CONTROL_BYTES_MAX];
    private byte lastAlert = CLOSE_NOTIFY;
    /** Some of the present payload was moved. */
    private boolean midway;
    /** How often headers will be read alone, or with a short payload before them. */
    private int readsAlone;

    private int silent;

    KernelRecords(Loop loop, TlsSocket socket, KernelKeys keys, Owner owner) {
        this.loop = loop;
        this.socket = socket;
        this.keys = keys;
        this.owner = owner;
        this.messages = new PostHandshake(keys.isClient());
    }

    @Override
    public boolean canKeepWhatComes() {
        return true;
    }

    @Override
    public int read() {
        int left = owner.payloadLeft();
        int count = RelaySocket.NOT_SPLICED;
        // What is left of a long payload goes the same way, however short.
        if (left >= SPLICE_BYTES_MIN || left > 0 && midway) {
            readsAlone = READS_ALONE_MAX;
            count = owner.onPayload(socket, Math.min(left, SPLICE_BYTES_MAX));
            midway |= count > 0;
        }
        if (count == RelaySocket.NOT_SPLICED) {
            count = carry(left);
        }
        if (count > 0) {
            silent = 0;
        } else if (count == TlsSocket.CONTROL) {
            readControl();
        } else if (count == TlsSocket.FORGED) {
            fail(BAD_RECORD_MAC, "a record of the peer cannot be read");
        } else if (count == RelaySocket.END) {
            owner.fail(Transport.Failure.CLOSED_BY_PEER, null);
        } else if (count == RelaySocket.BROKEN) {
            owner.fail(Transport.Failure.BROKEN, null);
        }
        return Math.max(0, count);
    }

    /** Reads no further than the next header where a pipe may take what follows it. */
    private int carry(int payloadLeft) {
        ByteBuffer in = loop.plainIn();
        int most = Math.min(Loop.READ_BYTES_MAX, loop.buffers().readMax());
        int next = payloadLeft > 0 ? payloadLeft + FrameHeader.BYTES : owner.untilHeader();
        in.limit(readsAlone > 0 ? Math.min(next, most) : most);
        int count = socket.read(in);
        if (count > 0) {
            readsAlone = Math.max(0, readsAlone - 1);
            midway = false;
            owner.deliver(in);
        }
        return count;
    }

    private void readControl() {
        long received = socket.readControl(control);
        if (received <= 0) {
            if (received == TlsSocket.FORGED) {
                fail(BAD_RECORD_MAC, "a record of the peer cannot be read");
            } else if (received < 0) {
                owner.fail(
                        received == RelaySocket.END ? Transport.Failure.CLOSED_BY_PEER : Transport.Failure.BROKEN,
                        null);
            }
            return;
        }
        int length = KernelTls.lengthOf(received);
        if (++silent > SILENT_RECORDS_MAX) {
            fail(UNEXPECTED_MESSAGE, "the peer sends records that say nothing");
            return;
        }
        switch (KernelTls.typeOf(received)) {
            case ALERT -> alert(length);
            case HANDSHAKE -> handshake(length);
            case DATA -> deliver(length);
            default -> fail(UNEXPECTED_MESSAGE, "the peer sent a record of an unknown type");
        }
    }

    /** What looked like no data was some by the time it was read. */
    private void deliver(int length) {
        silent = 0;
        owner.deliver(loop.plainIn().put(control, 0, length));
    }

    private void alert(int length) {
        byte what = length == 2 ? control[1] : UNEXPECTED_MESSAGE;
        if (what == CLOSE_NOTIFY) {
            // Whoever says good-bye waits for ours.
            sayLastWord(LastWord.GOOD_BYE);
            owner.fail(Transport.Failure.CLOSED_BY_PEER, null);
        } else if (what != USER_CANCELED) {
            fail(CLOSE_NOTIFY, "the peer sent the alert " + Byte.toUnsignedInt(what));
        }
    }

    private void handshake(int length) {
        switch (messages.take(control, length)) {
            case GO_ON -> {}
            case KEY_UPDATE -> updateKeys(false);
            case KEY_UPDATE_REQUESTED -> updateKeys(true);
            case UNEXPECTED -> fail(UNEXPECTED_MESSAGE, "the peer sent a handshake message that has no place here");
        }
    }

    private void updateKeys(boolean both) {
        if (!keys.canChange()) {
            fail(CLOSE_NOTIFY, "the peer changed its keys, which this kernel cannot follow");
            return;
        }
        try {
            keys.changeReceiving(socket);
            if (both) {
                owner.pushControl(HANDSHAKE, PostHandshake.keyUpdate());
            }
        } catch (ShimException e) {
            owner.fail(Transport.Failure.BROKEN, e);
        }
    }

    private void fail(byte alert, String why) {
        lastAlert = alert;
        owner.fail(Transport.Failure.TLS, new SSLException(why));
    }

    @Override
    public void afterReading() {}

    @Override
    public void write(ByteBuffer plain) {
        owner.push(plain);
    }

    /** A record of ours has gone out; our own keys change behind a KeyUpdate. */
    void controlSent(int type) throws ShimException {
        if (type == HANDSHAKE) {
            keys.changeSending(socket);
        }
    }

    @Override
    public void sayLastWord(LastWord word) {
        byte what = word == LastWord.GOOD_BYE ? CLOSE_NOTIFY : lastAlert;
        owner.pushControl(ALERT, new byte[] {what == CLOSE_NOTIFY ? WARNING : FATAL, what});
    }

    @Override
    public int discard() {
        int count = socket.read(loop.relayScratch());
        if (count != TlsSocket.CONTROL) {
            return count == TlsSocket.FORGED ? RelaySocket.BROKEN : count;
        }
        long received = socket.readControl(control);
        if (received <= 0) {
            return received == TlsSocket.FORGED ? RelaySocket.BROKEN : (int) received;
        }
        // Whatever it is, after an alert there is no more.
        return KernelTls.typeOf(received) == ALERT ? RelaySocket.END : KernelTls.lengthOf(received);
    }

    @Override
    public boolean isFlushed() {
        return socket.isAcknowledged();
    }

    @Override
    public boolean splices() {
        return socket.splices();
    }

    @Override
    public void release() {
        keys.wipe();
    }
}
