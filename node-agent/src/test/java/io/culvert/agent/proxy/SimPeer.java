package io.culvert.agent.proxy;

import io.culvert.agent.base.Loop;
import io.culvert.agent.hbone.Transport;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.net.IpAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A client by hand that keeps to the protocol: asks for streams, sends what it may, and returns no credit. */
final class SimPeer implements Transport.Events, HboneListener {
    final HboneSession session;
    final Loop loop;
    final Transport transport;
    final List<HboneStream> streams = new ArrayList<>();
    final ArrayDeque<ByteBuffer> unsent = new ArrayDeque<>();
    private final int port;
    private final int count;
    boolean floods;
    long sent;
    long received;
    int answered;
    int resets;

    @Nullable
    String closed;

    SimPeer(Loop loop, HboneSettings settings, Function<Loop, Transport> transport, int port, int count) {
        this.session = HboneSession.client(settings, this);
        this.loop = loop;
        this.port = port;
        this.count = count;
        this.transport = transport.apply(loop);
    }

    void start() {
        transport.start(this);
    }

    @Override
    public void onSecured() {
        for (int i = 0; i < count; i++) {
            connect(port);
        }
        flush();
    }

    HboneStream connect(int to) {
        try {
            HboneStream stream =
                    session.connect(ConnectRequest.to(new ConnectTarget.IpTarget(IpAddress.parse("10.0.0.2"), to)));
            streams.add(stream);
            return stream;
        } catch (ConnectRefusedException e) {
            throw new AssertionError(e);
        }
    }

    void flush() {
        if (session.pendingOutput() > 0) {
            ByteBuffer out = ByteBuffer.allocateDirect(session.pendingOutput());
            session.drainOutput(out);
            unsent.addLast(out.flip());
        }
        pump();
    }

    private boolean push() {
        while (!unsent.isEmpty()) {
            if (transport.isBlocked() || transport.isClosed()) {
                return false;
            }
            transport.write(unsent.removeFirst(), loop.buffers()::borrowForTunnel);
        }
        return !transport.isBlocked() && !transport.isClosed();
    }

    void pump() {
        if (!push()) {
            return;
        }
        boolean moved = floods;
        while (moved) {
            moved = false;
            for (HboneStream stream : streams) {
                int most = Math.min(16_000, session.sendable(stream));
                if (most > 0) {
                    moved = true;
                    data(stream, most);
                    if (!push()) {
                        return;
                    }
                }
            }
        }
    }

    void data(HboneStream stream, int bytes) {
        ByteBuffer frame = ByteBuffer.allocateDirect(FrameHeader.BYTES + bytes);
        session.dataHeader(stream, bytes, false, frame);
        frame.position(FrameHeader.BYTES + bytes);
        sent += bytes;
        unsent.addLast(frame.flip());
    }

    @Override
    public void onPlain(ByteBuffer in) {
        session.receive(in, loop.nanoTime());
        flush();
    }

    @Override
    public long standingBytes() {
        return 0;
    }

    @Override
    public void onUnblocked() {
        flush();
    }

    @Override
    public void onTransportClosed(Transport.Failure failure, @Nullable Throwable cause) {
        closed = failure.name();
    }

    @Override
    public void onResponse(HboneStream stream, ConnectResponse response) {
        if (response.status() == 200) {
            answered++;
        }
    }

    @Override
    public void onData(HboneStream stream, ByteBuffer in, int length) {
        received += length;
    }

    @Override
    public void onEnd(HboneStream stream) {}

    @Override
    public void onReset(HboneStream stream, int code) {
        resets++;
    }

    @Override
    public void onSendable(HboneStream stream) {}

    @Override
    public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
        closed = detail;
    }
}
