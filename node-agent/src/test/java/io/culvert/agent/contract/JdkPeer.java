package io.culvert.agent.contract;

import io.culvert.agent.certs.JdkTls;
import io.culvert.agent.certs.TestCa;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.PeerSettings;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Opens a tunnel on the JDK's own TLS, an implementation that has nothing in common with the agent's; one thread, blocking. A
 * stream's frames are sent when the test says so.
 */
final class JdkPeer implements HboneListener, AutoCloseable {
    private static final int READ_TIMEOUT_MILLIS = 20_000;
    private static final SpiffeId ID = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/other-make");
    // Whom the agent's end proves to be is tested elsewhere.
    private static final SSLContext CONTEXT = JdkTls.context(TunnelPath.CA, TestCa.newKeys(), TestCa.leaf(ID));

    /** Counts what goes out on the wire. */
    private static final class CountingSocket extends Socket {
        private long written;

        @Override
        public OutputStream getOutputStream() throws IOException {
            return new FilterOutputStream(super.getOutputStream()) {
                @Override
                public void write(byte[] bytes, int from, int count) throws IOException {
                    written += count;
                    out.write(bytes, from, count);
                }
            };
        }
    }

    private final CountingSocket wire = new CountingSocket();
    private final SSLSocket tls;
    private final HboneSession session = HboneSession.client(HboneSettings.forClient(), this);
    private final ByteArrayOutputStream read = new ByteArrayOutputStream();
    private final byte[] buffer = new byte[64 * 1024];
    private int status;
    private int resetCode = -1;
    private boolean streamEnded;
    private boolean greeted;
    private boolean goneAway;

    JdkPeer(InetSocketAddress at, String protocol) throws IOException {
        wire.connect(at);
        wire.setTcpNoDelay(true);
        wire.setSoTimeout(READ_TIMEOUT_MILLIS);
        tls = (SSLSocket) CONTEXT.getSocketFactory().createSocket(wire, "far", at.getPort(), true);
        SSLParameters parameters = tls.getSSLParameters();
        parameters.setProtocols(new String[] {protocol});
        parameters.setApplicationProtocols(new String[] {"h2"});
        parameters.setServerNames(List.of());
        tls.setSSLParameters(parameters);
        tls.startHandshake();
    }

    /** Exchanges the first words of HTTP/2. */
    void greet() throws IOException {
        flush();
        awaits(() -> greeted);
    }

    /** Asks for a stream without waiting for the answer. */
    HboneStream ask(IpPort target) throws IOException {
        try {
            HboneStream stream =
                    session.connect(ConnectRequest.to(new ConnectTarget.IpTarget(target.ip(), target.port())));
            flush();
            return stream;
        } catch (ConnectRefusedException e) {
            throw new AssertionError(e);
        }
    }

    /** Opens a stream. */
    HboneStream connect(IpPort target) throws IOException {
        HboneStream stream = ask(target);
        awaits(() -> status == 200);
        return stream;
    }

    /** Sends one frame of DATA, also where the session's own rules would wait for the answer first. */
    void send(HboneStream stream, String text, boolean end) throws IOException {
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = ByteBuffer.allocate(FrameHeader.BYTES + payload.length);
        FrameHeader.write(frame, payload.length, FrameHeader.DATA, end ? FrameHeader.FLAG_END_STREAM : 0, stream.id());
        frame.put(payload);
        tls.getOutputStream().write(frame.array());
    }

    void end(HboneStream stream) throws IOException {
        session.end(stream);
        flush();
    }

    void reset(HboneStream stream, int code) throws IOException {
        session.reset(stream, code);
        flush();
    }

    /** Sends bytes as they are, past TLS. */
    void sendOnTheWire(byte[] bytes) throws IOException {
        wire.getOutputStream().write(bytes);
    }

    /** Sends what the session has to say. */
    void flush() throws IOException {
        ByteBuffer out = ByteBuffer.allocate(session.pendingOutput());
        session.drainOutput(out);
        tls.getOutputStream().write(out.array(), 0, out.position());
    }

    /** In 1.3 changes its own keys and asks the agent to change its, in 1.2 begins another handshake; returns how many bytes that took
     * on the wire. */
    long updateKeys() throws IOException {
        long before = wire.written;
        tls.startHandshake();
        return wire.written - before;
    }

    /** Reads until it is so; fails when the agent's end closes before. */
    void awaits(BooleanSupplier so) throws IOException {
        while (!so.getAsBoolean()) {
            if (!readOnce()) {
                throw new AssertionError("the tunnel has ended");
            }
        }
    }

    /** Reads until the agent says good-bye, which TLS demands of who closes in good order; throws at an end without it. */
    void awaitsGoodBye() throws IOException {
        while (readOnce()) {}
    }

    private boolean readOnce() throws IOException {
        int count = tls.getInputStream().read(buffer);
        if (count < 0) {
            return false;
        }
        session.receive(ByteBuffer.wrap(buffer, 0, count), 0);
        flush();
        return true;
    }

    String received() {
        return read.toString(StandardCharsets.UTF_8);
    }

    int status() {
        return status;
    }

    /** The code of the stream's reset, -1 for none. */
    int resetCode() {
        return resetCode;
    }

    boolean streamEnded() {
        return streamEnded;
    }

    boolean goneAway() {
        return goneAway;
    }

    /**
     * Says good-bye in TLS, waits for the agent's end, then closes: with words of the agent's unread that would be a reset, which
     * takes back what is still on its way.
     */
    void closeInGoodOrder() throws IOException {
        tls.shutdownOutput();
        while (tls.getInputStream().read(buffer) >= 0) {}
        tls.close();
    }

    /** Closes the connection under TLS: the end comes without a good-bye. */
    void closeWithoutAWord() throws IOException {
        wire.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        wire.close();
    }

    @Override
    public void onResponse(HboneStream stream, ConnectResponse response) {
        status = response.status();
    }

    @Override
    public void onData(HboneStream stream, ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(in.position(), bytes);
        read.writeBytes(bytes);
        session.consumed(stream, length);
    }

    @Override
    public void onEnd(HboneStream stream) {
        streamEnded = true;
    }

    @Override
    public void onReset(HboneStream stream, int code) {
        resetCode = code;
    }

    @Override
    public void onSendable(HboneStream stream) {}

    @Override
    public void onPeerSettings(PeerSettings settings) {
        greeted = true;
    }

    @Override
    public void onGoAway(int lastStreamId, int code, String debugText) {
        goneAway = true;
    }

    @Override
    public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
        throw new AssertionError(detail);
    }
}
