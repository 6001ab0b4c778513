package io.culvert.systemtests.badinput;

import io.culvert.testkit.Deadline;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * One end of a TLS and HTTP/2 connection that does what the test says, right or wrong, one step at a time.
 *
 * <p>Runs on: one thread. Owns: its socket.
 */
public final class HostilePeer implements AutoCloseable {
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private final PeerSocket socket;
    private final TlsSession tls;
    private final H2.Reader reader = new H2.Reader();
    private int nextStream = 1;
    private boolean silent;

    private HostilePeer(PeerSocket socket, TlsSession tls) {
        this.socket = socket;
        this.tls = tls;
    }

    /** Connects and completes TLS, no more. */
    public static HostilePeer dial(Netns from, InetAddress to, TlsSession.Look look) throws IOException {
        PeerSocket socket = PeerSocket.connect(from, to, BadInputLab.HBONE);
        TlsSession tls = TlsSession.client(socket, look);
        try {
            tls.handshake(PATIENCE);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        return new HostilePeer(socket, tls);
    }

    /** The accepting end of a connection, after TLS. */
    public static HostilePeer accept(PeerSocket socket, TlsSession.Look look) throws IOException {
        TlsSession tls = TlsSession.server(socket, look);
        tls.handshake(PATIENCE);
        return new HostilePeer(socket, tls);
    }

    public PeerSocket socket() {
        return socket;
    }

    public TlsSession tls() {
        return tls;
    }

    /** Sends an ordinary preface with these settings, takes the peer's and acknowledges them. */
    public HostilePeer greet(int... settings) throws IOException {
        send(H2.PREFACE, H2.settings(settings));
        acknowledgeSettings();
        return this;
    }

    /** As {@link #greet}, of a server. */
    public HostilePeer welcome() throws IOException {
        send(H2.settings());
        readPreface();
        acknowledgeSettings();
        return this;
    }

    private void acknowledgeSettings() throws IOException {
        await("SETTINGS", frame -> frame.type() == H2.SETTINGS && !frame.has(H2.ACK));
        send(H2.settingsAck());
    }

    private void readPreface() throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        byte[] first = new byte[0];
        while (first.length < H2.PREFACE.length) {
            byte[] more = tls.read(deadline.remaining());
            if (more.length == 0) {
                throw new IOException("no preface came");
            }
            first = H2.join(first, more);
        }
        reader.add(Arrays.copyOfRange(first, H2.PREFACE.length, first.length));
    }

    public void send(byte[]... parts) throws IOException {
        tls.write(H2.join(parts));
    }

    /** Sends as often as asked, or until the peer has gone, which is no failure. */
    public void flood(int times, byte[]... parts) {
        byte[] unit = H2.join(parts);
        try {
            for (int i = 0; i < times; i++) {
                tls.write(unit);
            }
        } catch (IOException gone) {
            // What it said before it went is still to be read.
            return;
        }
    }

    /** The next stream id. */
    public int stream() {
        int id = nextStream;
        nextStream += 2;
        return id;
    }

    /** Sends a request of this header block, in as many frames as it takes; returns its stream. */
    public int request(byte... block) throws IOException {
        int id = stream();
        send(H2.request(id, block));
        return id;
    }

    /** Asks for a stream to an authority, which it returns. */
    public int ask(String authority) throws IOException {
        int id = stream();
        send(H2.connect(id, authority));
        return id;
    }

    /** Opens a stream to an authority and returns the status. */
    public int connect(String authority) throws IOException {
        return status(ask(authority));
    }

    /** The stream of the next request that comes. */
    public int awaitRequest() throws IOException {
        return await("CONNECT", f -> f.type() == H2.HEADERS).stream();
    }

    /** The status of the answer on a stream. */
    public int status(int stream) throws IOException {
        return await("an answer on stream " + stream, f -> f.is(H2.HEADERS, stream))
                .status();
    }

    /** The first frame that fits; others are dropped, except that PINGs are answered. */
    public H2.Frame await(String what, Predicate<H2.Frame> wanted) throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        List<String> seen = new ArrayList<>();
        while (true) {
            H2.Frame frame = reader.poll();
            if (frame == null) {
                byte[] more = tls.read(deadline.remaining());
                if (more.length == 0 && deadline.passed()) {
                    throw new AssertionError("no " + what + " came, only " + seen);
                }
                reader.add(more);
            } else if (wanted.test(frame)) {
                return frame;
            } else {
                answer(frame);
                seen.add(frame.type() + "/" + frame.stream());
            }
        }
    }

    /** The frames that have come, after waiting a while for more; PINGs are answered. */
    public List<H2.Frame> poll(Duration wait) throws IOException {
        reader.add(tls.read(wait));
        List<H2.Frame> frames = new ArrayList<>();
        for (H2.Frame frame = reader.poll(); frame != null; frame = reader.poll()) {
            answer(frame);
            frames.add(frame);
        }
        return frames;
    }

    private void answer(H2.Frame frame) {
        if (frame.type() == H2.PING && !frame.has(H2.ACK) && !silent) {
            // It may be gone already; what it said before still counts.
            flood(1, H2.ping(true, frame.payload()));
        }
    }

    /** Goes on answering PINGs for a while. */
    public void idle(Duration time) throws IOException {
        Deadline deadline = Deadline.after(time);
        while (!deadline.passed()) {
            H2.Frame frame = reader.poll();
            if (frame == null) {
                reader.add(tls.read(deadline.remaining()));
            } else {
                answer(frame);
            }
        }
    }

    /** As {@link #awaitGoAway}, without answering PINGs. */
    public void awaitGoAwaySilently(int code) throws IOException {
        silent = true;
        awaitGoAway(code);
    }

    /** Waits for GOAWAY with a code, then for the connection's orderly end. */
    public void awaitGoAway(int code) throws IOException {
        H2.Frame goAway = await("GOAWAY", f -> f.type() == H2.GOAWAY);
        if (goAway.code() != code) {
            String text = new String(goAway.payload(), 8, goAway.payload().length - 8, StandardCharsets.US_ASCII);
            throw new AssertionError("GOAWAY with " + goAway.code() + " (" + text + "), not " + code);
        }
        awaitGone();
    }

    /** Waits for RST_STREAM. */
    public void awaitReset(int stream, int code) throws IOException {
        H2.Frame reset = await("RST_STREAM on " + stream, f -> f.is(H2.RST_STREAM, stream));
        if (reset.code() != code) {
            throw new AssertionError("stream " + stream + " was reset with " + reset.code() + ", not " + code);
        }
    }

    /** Reads on until the other end is gone. */
    public PeerGoneException awaitGone() throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        try {
            while (!deadline.passed()) {
                tls.read(deadline.remaining());
            }
        } catch (PeerGoneException gone) {
            return gone;
        }
        throw new AssertionError("the connection is still open after " + PATIENCE.toSeconds() + " s");
    }

    /** Leaves without a word. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
