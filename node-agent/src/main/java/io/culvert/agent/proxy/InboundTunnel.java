package io.culvert.agent.proxy;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.Transport;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelListener;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.TunnelRole;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One tunnel that a peer opened to the pod: mTLS under the pod's identity, then one {@link InboundStream} per CONNECT.
 *
 * <p>Runs on: its loop. Owns: the socket, then the tunnel.
 *
 * <p>Bounds: a time to become secured, certificate included. While it carries connections these bound it; while it carries
 * none it is one of so many per pod, where the eldest unfinished handshake makes room for a newcomer, or else an idle tunnel
 * of the peer that has most, and of so many per peer, where its own idle ones make room.
 */
final class InboundTunnel implements OpenConnection, RelaySocket.Listener, TunnelListener {
    private final PodLoop podLoop;
    private final Pod pod;
    private final AcceptedSocket socket;
    private final IpPort peer;
    private final IpPort local;
    private PeerIdentity peerIdentity = PeerIdentity.PLAINTEXT;
    private @Nullable Tunnel tunnel;
    private final Deadline certificateDeadline = new Deadline();
    private Runnable withdrawWish = () -> {};
    private boolean secured;
    /** Under which it is counted while it carries nothing. */
    private @Nullable TunnelPeer countedFor;

    private Place place = Place.TUNNEL;
    private int carried;

    /** Once it is secured; with all other tunnels of the peer. */
    private @Nullable TunnelPeer entered;

    private AtomicInteger streamsOfPeer = new AtomicInteger();

    private boolean closed;

    private InboundTunnel(PodLoop podLoop, AcceptedSocket accepted) {
        this.podLoop = podLoop;
        this.pod = podLoop.pod();
        this.socket = accepted;
        this.peer = Addresses.of(socket.remoteAddress());
        this.local = Addresses.of(socket.localAddress());
        accepted.listener(this);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        InboundTunnel accepted = new InboundTunnel(podLoop, socket);
        accepted.metrics().socketOpened(Direction.INBOUND);
        if (!accepted.takePlace()) {
            accepted.metrics().badPeer(BadPeer.LIMIT);
            accepted.close(CloseReason.LIMIT_REACHED, "the pod has as many tunnels as it may have");
        } else {
            podLoop.unproven(accepted);
            WorkloadWait.await(podLoop, accepted, accepted.local.ip(), accepted::identify);
        }
    }

    /**
     * At the limit whoever has not even finished its handshake makes room, or else who is idle: neither must keep peers out.
     */
    private boolean takePlace() {
        return podLoop.admit(this) || oneMadeRoom() && podLoop.admit(this);
    }

    private boolean oneMadeRoom() {
        InboundTunnel eldest = podLoop.eldestUnproven();
        if (eldest != null) {
            return eldest.makeRoom("its place was needed before it had finished the handshake");
        }
        return oneIdleMadeRoom();
    }

    private boolean oneIdleMadeRoom() {
        InboundTunnel idle = podLoop.provenTunnels().longestIdleOfMost();
        return idle != null && idle.makeRoom("its place was needed while it was idle");
    }

    private boolean makeRoom(String detail) {
        metrics().badPeer(BadPeer.LIMIT);
        close(CloseReason.LIMIT_REACHED, detail);
        return closed;
    }

    private void enter() {
        if (peerIdentity instanceof PeerIdentity.Verified verified) {
            TunnelPeer id = new TunnelPeer(verified.id(), peer.ip());
            entered = id;
            streamsOfPeer = pod.enter(id);
        }
    }

    private void leave() {
        TunnelPeer id = entered;
        if (id != null) {
            entered = null;
            pod.leave(id);
        }
    }

    /** Whether the pod's last places are for others than this peer. */
    boolean crowdsOthersOut() {
        return pod.isShortFor(streamsOfPeer.get());
    }

    /** One peer must not take all places, whatever policy says of its connections. */
    private boolean takePeerPlace() {
        TunnelPeer id = entered;
        if (id == null) {
            return true;
        }
        if (!pod.takePeerPlace(id)) {
            InboundTunnel idle = podLoop.provenTunnels().longestIdleOf(id);
            if (idle == null || !idle.makeRoom("its peer opened another one at its limit") || !pod.takePeerPlace(id)) {
                return false;
            }
        }
        countedFor = id;
        podLoop.provenTunnels().add(id, this);
        return true;
    }

    /** One of its connections was admitted, and that bounds it now. */
    void carries() {
        streamsOfPeer.incrementAndGet();
        if (carried++ == 0 && place == Place.TUNNEL && pod.change(place, Place.CARRYING_TUNNEL)) {
            place = Place.CARRYING_TUNNEL;
            leavePeer();
        }
    }

    /** One of its connections is over; what is left of its stream may still have to be sent. */
    void carriesOneLess() {
        streamsOfPeer.decrementAndGet();
        if (--carried == 0 && place == Place.CARRYING_TUNNEL) {
            podLoop.loop().execute(() -> attempt(this::settle));
        }
    }

    /** It carries nothing any more: it needs a place of its own again, and others that have idled for longer make room. */
    private void settle() {
        if (closed || carried > 0 || place == Place.TUNNEL) {
            return;
        }
        // Who is shaking hands gives way to newcomers alone.
        if (!pod.change(place, Place.TUNNEL) && !(oneIdleMadeRoom() && pod.change(place, Place.TUNNEL))) {
            endOneTooMany("there was no place for one more that is idle");
            return;
        }
        place = Place.TUNNEL;
        if (!takePeerPlace()) {
            endOneTooMany("its peer had as many that are idle as it may have");
        }
    }

    /** What it still has to say of its last stream goes out first. */
    private void endOneTooMany(String detail) {
        metrics().badPeer(BadPeer.LIMIT);
        Tunnel running = tunnel;
        if (running != null) {
            running.end(CloseReason.LIMIT_REACHED, detail);
        }
    }

    private void refusePeer() {
        Tunnel running = tunnel;
        if (closed || running == null || place == Place.CARRYING_TUNNEL) {
            if (podLoop.isDraining()) {
                drain();
            }
            return;
        }
        String detail = "the peer has as many tunnels to the pod that carry nothing as one may have";
        metrics().badPeer(BadPeer.LIMIT);
        pod.world().telemetry().refused(Direction.INBOUND, peer, local, CloseReason.LIMIT_REACHED, detail);
        running.refuse(CloseReason.LIMIT_REACHED, detail);
    }

    boolean isIdle() {
        Tunnel running = tunnel;
        return running != null && running.isIdle() && carried == 0;
    }

    /** For how long it has had no streams. */
    long idleNanos() {
        Tunnel running = tunnel;
        return running == null ? 0 : running.idleNanos();
    }

    @Override
    public Place place() {
        return place;
    }

    private Metrics metrics() {
        return pod.world().telemetry().metrics();
    }

    private void identify(MeshSnapshot snapshot, @Nullable Workload self) {
        if (closed) {
            return;
        }
        if (self == null) {
            close(CloseReason.WORKLOAD_UNKNOWN, pod.identity().unknown());
            return;
        }
        SpiffeId id = self.identity();
        TlsMaterial held = pod.world().certificates().current(id);
        if (held != null) {
            secure(held);
            return;
        }
        long patience =
                pod.world().config().proxy().timeouts().firstCertificate().toNanos();
        certificateDeadline.start(
                podLoop.loop(), () -> close(CloseReason.IDENTITY_UNAVAILABLE, "no certificate for " + id), patience);
        withdrawWish = pod.world()
                .certificates()
                .whenAvailable(id, fresh -> podLoop.loop().execute(() -> attempt(() -> secure(fresh))));
    }

    private void secure(TlsMaterial material) {
        if (closed) {
            return;
        }
        certificateDeadline.cancel();
        Transport transport = pod.world().transports().server(podLoop.loop(), socket, material);
        Tunnel started = Tunnel.server(podLoop.loop(), transport, pod.serverTerms(), this);
        tunnel = started;
        started.start();
    }

    /** The socket while a certificate is awaited. */
    @Override
    public void onReady() {
        if (socket.errorSeen()) {
            close(CloseReason.TLS_FAILED, "the connection broke before the handshake");
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        close(CloseReason.BUG, fault.toString());
    }

    @Override
    public void onTunnelOpen(PeerIdentity identity) {
        secured = true;
        podLoop.proven(this);
        peerIdentity = identity;
        enter();
        metrics().tunnelOpened(TunnelRole.SERVER);
        if (!takePeerPlace()) {
            podLoop.loop().execute(this::refusePeer);
        } else if (podLoop.isDraining()) {
            podLoop.loop().execute(this::drain);
        }
    }

    @Override
    public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
        InboundStream.accept(podLoop, this, stream, request);
    }

    IpPort peer() {
        return peer;
    }

    /** The pod's address that the peer dialled, with the HBONE port. */
    IpPort local() {
        return local;
    }

    PeerIdentity peerIdentity() {
        return peerIdentity;
    }

    @Override
    public void onTunnelMalformed(RequestFault fault) {
        metrics()
                .badPeer(
                        switch (fault) {
                            case NOT_CONNECT -> BadPeer.BAD_METHOD;
                            case AUTHORITY_MALFORMED -> BadPeer.BAD_AUTHORITY;
                            case HEADERS_TOO_LARGE -> BadPeer.HEADERS_TOO_LARGE;
                            case MALFORMED -> BadPeer.HTTP2_PROTOCOL;
                        });
        pod.world().telemetry().refused(Direction.INBOUND, peer, local, CloseReason.BAD_REQUEST, fault.sentence());
    }

    @Override
    public void onTunnelFault(BadPeer kind) {
        metrics().badPeer(kind);
    }

    @Override
    public void onTunnelRoom() {
        // The peer opens the streams here.
    }

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
        if (badPeer != null) {
            metrics().badPeer(badPeer);
        }
        if (reason == CloseReason.CERTIFICATE_REVOKED) {
            metrics().crlRejected(Direction.INBOUND);
        }
        if (!secured || badPeer != null) {
            pod.world().telemetry().refused(Direction.INBOUND, peer, local, reason, detail);
        }
        released();
    }

    @Override
    public void close(CloseReason reason, @Nullable String detail) {
        Tunnel running = tunnel;
        if (closed) {
            return;
        }
        if (running != null) {
            running.close(reason, detail == null ? reason.text() : detail);
            return;
        }
        socket.abort();
        pod.world().telemetry().refused(Direction.INBOUND, peer, local, reason, detail);
        released();
    }

    private void leavePeer() {
        TunnelPeer counted = countedFor;
        if (counted != null) {
            countedFor = null;
            podLoop.provenTunnels().remove(counted, this);
            pod.givePeerPlaceBack(counted);
        }
    }

    private void released() {
        if (closed) {
            return;
        }
        closed = true;
        podLoop.proven(this);
        leavePeer();
        leave();
        withdrawWish.run();
        certificateDeadline.cancel();
        if (secured) {
            metrics().tunnelClosed(TunnelRole.SERVER);
        }
        metrics().socketClosed(Direction.INBOUND);
        podLoop.forget(this);
    }

    @Override
    public void recheck(MeshSnapshot snapshot) {
        // Each of its streams is judged by itself.
    }

    @Override
    public @Nullable Tunnel tunnel() {
        return tunnel;
    }

    /** One that is still being secured may be, in the time that it has for that, and is drained then. */
    @Override
    public void drain() {
        Tunnel running = tunnel;
        if (secured && running != null) {
            running.drain();
        }
    }

    @Override
    public @Nullable ConnectionView view() {
        return null;
    }
}
