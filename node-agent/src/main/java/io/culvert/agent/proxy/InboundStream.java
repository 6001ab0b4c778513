package io.culvert.agent.proxy;

import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.ConnectionRecord;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Party;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.Forwarded;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.proxyproto.ProxyHeaderV2;
import io.culvert.protocol.workload.Workload;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT of a peer's tunnel: to the pod's application, if policy allows.
 *
 * <p>Runs on: its loop. Owns: the application's socket through its relay.
 */
final class InboundStream implements OpenConnection, TunnelStream.Opening, Dialer.Listener, RelayOwner {
    private static final int UNAUTHORIZED = 401;
    private static final int UNAVAILABLE = 503;

    private final PodLoop podLoop;
    private final Pod pod;
    private final InboundTunnel tunnel;
    private final TunnelStream stream;
    private final ConnectRequest request;
    private @Nullable Workload self;
    private InboundRoute.@Nullable Deliver route;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private Runnable cancelOpening = () -> {};
    private boolean answered;
    private boolean closed;

    private InboundStream(PodLoop podLoop, InboundTunnel tunnel, TunnelStream stream, ConnectRequest request) {
        this.podLoop = podLoop;
        this.pod = podLoop.pod();
        this.tunnel = tunnel;
        this.stream = stream;
        this.request = request;
        stream.opening(this);
    }

    static void accept(PodLoop podLoop, InboundTunnel tunnel, TunnelStream stream, ConnectRequest request) {
        InboundStream connection = new InboundStream(podLoop, tunnel, stream, request);
        if (podLoop.admit(connection)) {
            WorkloadWait.await(podLoop, connection, connection::identify);
        } else {
            podLoop.pod().world().telemetry().metrics().badPeer(BadPeer.LIMIT);
            connection.refuse(UNAVAILABLE, CloseReason.LIMIT_REACHED, "the pod has as many connections as it may have");
        }
    }

    private void identify(MeshSnapshot snapshot, @Nullable Workload known) {
        if (closed) {
            return;
        }
        self = known;
        if (known == null) {
            refuse(
                    UNAVAILABLE,
                    CloseReason.WORKLOAD_UNKNOWN,
                    "nothing is known of " + pod.identity().name());
            return;
        }
        switch (pod.world().router().inbound(snapshot, known, tunnel.local().ip(), request.authority())) {
            case InboundRoute.Deliver deliver -> decide(snapshot, known, deliver);
            case InboundRoute.Refused refused -> {
                OutboundConnection.countBad(pod.world().telemetry().metrics(), refused.reason());
                refuse(refused.status(), OutboundConnection.reasonOf(refused.reason()), refused.detail());
            }
        }
    }

    private void decide(MeshSnapshot snapshot, Workload known, InboundRoute.Deliver deliver) {
        route = deliver;
        recordOpen(snapshot, known, deliver);
        if (Judgement.of(snapshot, known, tunnel.peerIdentity(), tunnel.peer().ip(), deliver.judged())
                instanceof Decision.Deny deny) {
            refuse(UNAUTHORIZED, CloseReason.POLICY_DENIED, deny.sentence());
            return;
        }
        open(deliver);
    }

    private void recordOpen(MeshSnapshot snapshot, Workload known, InboundRoute.Deliver deliver) {
        String network = pod.world().config().node().network();
        Workload there = snapshot.workloadByAddress(network, tunnel.peer().ip());
        SpiffeId peerId = tunnel.peerIdentity() instanceof PeerIdentity.Verified verified ? verified.id() : null;
        record = pod.world()
                .telemetry()
                .open(new ConnectionFacts(
                        Direction.INBOUND,
                        Party.of(tunnel.peer(), there, peerId),
                        Party.of(tunnel.local(), known, known.identity()),
                        InboundService.of(
                                snapshot,
                                known,
                                Forwarded.parse(request.forwarded()).host(),
                                deliver.judged().port()),
                        true,
                        request.authority().authority()));
    }

    private void open(InboundRoute.Deliver deliver) {
        boolean spoof = pod.spoofing()
                && deliver.spoofSource()
                && !tunnel.peer().ip().equals(deliver.target().ip());
        cancelOpening =
                podLoop.dialer().dial(deliver.target(), spoof ? tunnel.peer().ip() : null, this);
    }

    @Override
    public void onConnected(RelaySocket socket) {
        Workload known = self;
        InboundRoute.Deliver deliver = route;
        if (closed || known == null || deliver == null) {
            socket.close();
            return;
        }
        attempt(() -> relay(socket, known, deliver));
    }

    private void relay(RelaySocket socket, Workload known, InboundRoute.Deliver deliver) {
        answered = true;
        boolean baggage = pod.world().config().proxy().hbone().responseBaggage();
        stream.accept(baggage ? WorkloadBaggage.of(known) : null);
        writeProxyHeader(socket, deliver);
        Relay started = new Relay(podLoop.loop(), socket, stream, this);
        relay = started;
        stream.start(started);
    }

    private void writeProxyHeader(RelaySocket socket, InboundRoute.Deliver deliver) {
        IpPort named = deliver.proxyHeader();
        if (named != null) {
            SpiffeId peerId = tunnel.peerIdentity() instanceof PeerIdentity.Verified verified ? verified.id() : null;
            byte[] header = new ProxyHeaderV2(tunnel.peer(), named, peerId).encode();
            // The first bytes of a fresh connection always fit; if it broke, the relay finds out.
            socket.write(ByteBuffer.allocateDirect(header.length).put(header).flip());
        }
    }

    @Override
    public void onDialFailed(boolean timedOut, String detail) {
        refuse(UNAVAILABLE, timedOut ? CloseReason.CONNECT_TIMEOUT : CloseReason.CONNECT_FAILED, detail);
    }

    @Override
    public void onResponse(io.culvert.protocol.hbone.ConnectResponse response) {
        throw new IllegalStateException("a server's stream gets no response");
    }

    @Override
    public void onStreamLost(CloseReason reason, @Nullable String detail) {
        answered = true;
        close(reason, detail);
    }

    @Override
    public void relayedUp(int count) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.sent(count);
        }
    }

    @Override
    public void relayedDown(int count) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.received(count);
        }
    }

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
    }

    @Override
    public void recheck(MeshSnapshot snapshot) {
        Workload known = pod.identity().in(snapshot);
        InboundRoute.Deliver deliver = route;
        if (closed || known == null || deliver == null) {
            return;
        }
        if (Judgement.of(snapshot, known, tunnel.peerIdentity(), tunnel.peer().ip(), deliver.judged())
                instanceof Decision.Deny deny) {
            close(CloseReason.POLICY_CHANGED, deny.sentence());
        }
    }

    @Override
    public void drain() {
        // It ends by itself, or at the deadline.
    }

    private void refuse(int status, CloseReason reason, @Nullable String detail) {
        if (!closed) {
            answered = true;
            stream.refuse(status);
            close(reason, detail);
        }
    }

    @Override
    public void close(CloseReason reason, @Nullable String detail) {
        if (closed) {
            return;
        }
        closed = true;
        cancelOpening.run();
        Relay running = relay;
        if (running != null) {
            running.fail(reason, detail);
        } else if (!answered) {
            stream.cancel(Http2Code.CONNECT_ERROR);
        }
        podLoop.forget(this);
        ConnectionRecord opened = record;
        if (opened != null) {
            opened.close(reason, detail);
        } else {
            pod.world().telemetry().refused(Direction.INBOUND, tunnel.peer(), tunnel.local(), reason, detail);
        }
    }

    @Override
    public @Nullable ConnectionView view() {
        InboundRoute.Deliver deliver = route;
        if (deliver == null) {
            return null;
        }
        String host = Forwarded.parse(request.forwarded()).host();
        return new ConnectionView(
                Direction.INBOUND, tunnel.peer(), host.isEmpty() ? null : host, deliver.target(), "HBONE");
    }
}
