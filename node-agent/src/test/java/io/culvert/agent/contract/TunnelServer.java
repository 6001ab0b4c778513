package io.culvert.agent.contract;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.TlsTransport;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpPort;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The accepting end of a tunnel: every stream is relayed to the address that it names. */
final class TunnelServer extends TunnelEnd {
    private static final Tunnel.Terms TERMS = terms(HboneSettings.forServer());

    private final RealNet net;
    private final DataLoop loop;
    private final LinkedBlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private @Nullable Tunnel tunnel;
    private @Nullable TcpSocket socket;
    /** Whether streams are answered at once, or only when {@link #answer} says so. */
    private volatile boolean patient;

    private volatile @Nullable Runnable unanswered;

    TunnelServer(RealNet net, DataLoop loop) {
        this.net = net;
        this.loop = loop;
    }

    static Tunnel.Terms terms(HboneSettings settings) {
        long minute = TimeUnit.SECONDS.toNanos(60);
        return new Tunnel.Terms(settings, minute, minute, minute, 10 * minute);
    }

    /** Takes a connection over. */
    void serve(int fd, TlsMaterial material) {
        tunnel = net.on(loop, () -> {
            TcpSocket adopted = TcpSocket.adopt(loop, fd);
            socket = adopted;
            Tunnel fresh = Tunnel.server(loop, TlsTransport.FACTORY.server(loop, adopted, material), TERMS, this);
            fresh.start();
            return fresh;
        });
    }

    Tunnel tunnel() {
        return Objects.requireNonNull(tunnel, "nothing was accepted");
    }

    /** Ends the connection under TLS, behind the tunnel's back. */
    void endWithoutAWord() {
        net.run(loop, Objects.requireNonNull(socket)::shutdownWrite);
    }

    DataLoop loop() {
        return loop;
    }

    /** The next stream's relay. */
    Outcome nextOutcome() {
        try {
            Outcome next = outcomes.poll(30, TimeUnit.SECONDS);
            if (next == null) {
                throw new AssertionError("no stream came");
            }
            return next;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Leaves the next stream unanswered until {@link #answer}. */
    void holdBack() {
        patient = true;
    }

    void answer() {
        patient = false;
        Runnable held = unanswered;
        if (held == null) {
            throw new AssertionError("no stream waits");
        }
        loop.execute(held);
    }

    boolean holdsBack() {
        return unanswered != null;
    }

    @Override
    public void onTunnelOpen(PeerIdentity peer) {}

    @Override
    public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
        Lost lost = new Lost();
        stream.opening(lost);
        Runnable answers = () -> serve(stream, request, lost);
        if (patient) {
            unanswered = answers;
        } else {
            answers.run();
        }
    }

    private void serve(TunnelStream stream, ConnectRequest request, Lost lost) {
        ConnectTarget.IpTarget to = (ConnectTarget.IpTarget) request.authority();
        net.dial(loop, new IpPort(to.address(), to.port()), socket -> {
            if (lost.reason != null) {
                socket.abort();
                return;
            }
            Outcome outcome = new Outcome();
            outcomes.add(outcome);
            stream.accept(null);
            stream.start(new Relay(loop, socket, stream, outcome));
        });
    }

    /** Notes that the stream is gone before it was answered. */
    private static final class Lost implements TunnelStream.Opening {
        private @Nullable CloseReason reason;

        @Override
        public void onResponse(ConnectResponse response) {
            throw new AssertionError();
        }

        @Override
        public void onStreamLost(CloseReason why, @Nullable String detail) {
            reason = why;
        }
    }
}
