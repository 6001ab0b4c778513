package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Timer;
import io.culvert.agent.certs.CertificateSource;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tunnels of one pod on one loop, by whom they lead to; streams are opened on the fullest that has room, and a new
 * tunnel is opened when none has.
 *
 * <p>Runs on: its loop. Owns: its tunnels.
 *
 * <p>Bounds: tunnels per pool, where the one that has idled longest makes room for one to elsewhere, streams per tunnel, waiting streams per destination, and a time for every step and for
 * the wait before it.
 */
public final class HbonePool {
    /** Who talks to whom: tunnels are shared only within one of these, and never between pods. */
    public record Key(SpiffeId source, List<SpiffeId> expected, IpPort target) {}

    /** Told once how an attempt to open a stream ended. */
    public interface Listener {
        /** The peer answered 200. */
        void onStreamOpen(TunnelStream stream, ConnectResponse response);

        /** There is no stream. */
        void onStreamFailed(CloseReason reason, @Nullable String detail);
    }

    /**
     * How the pool behaves.
     *
     * @param tunnel of every tunnel
     * @param streamsPerTunnelMax streams on one tunnel
     * @param tunnelsMax tunnels of this pool
     * @param idle how long a tunnel without streams is kept
     * @param connectNanos how long the TCP connection may take; the dialer keeps to it
     * @param responseNanos how long the peer may take to answer a CONNECT
     * @param certificateNanos how long the first certificate may take
     */
    public record Terms(
            Tunnel.Terms tunnel,
            int streamsPerTunnelMax,
            int tunnelsMax,
            Duration idle,
            long connectNanos,
            long responseNanos,
            long certificateNanos) {
        /** How long a stream may wait for a tunnel with room: all that may go before, and an answer's time on top. */
        long waitNanos() {
            return certificateNanos + connectNanos + tunnel.handshakeNanos() + responseNanos;
        }
    }

    /** What the pool works with. */
    public record Surroundings(
            Loop loop,
            Dialer dialer,
            Transport.Factory transports,
            CertificateSource certificates,
            Telemetry telemetry,
            InstantSource clock) {}

    static final int WAITING_MAX = 8_192;

    private final Surroundings surroundings;
    private final Terms terms;
    private final Map<Key, TunnelGroup> groups = new HashMap<>();
    /** Every tunnel of it, those within others too. */
    private final Set<Tunnel> live = new LinkedHashSet<>();

    private final Runnable sweep = this::sweep;
    private Timer nextSweep;
    private int tunnels;
    private boolean closed;

    public HbonePool(Surroundings surroundings, Terms terms) {
        this.surroundings = surroundings;
        this.terms = terms;
        this.nextSweep = surroundings.loop().schedule(sweep, sweepNanos());
    }

    private long sweepNanos() {
        return Math.clamp(terms.idle().toNanos() / 4, 10_000_000L, 30_000_000_000L);
    }

    /**
     * Opens a stream.
     *
     * @return ends the attempt without a further word
     */
    public Runnable open(Key key, ConnectRequest request, Listener listener) {
        if (closed) {
            listener.onStreamFailed(CloseReason.POD_REMOVED, "the pod is gone");
            return () -> {};
        }
        return groups.computeIfAbsent(key, fresh -> new TunnelGroup(this, fresh))
                .open(request, listener);
    }

    /**
     * Opens a stream in a tunnel of its own, which runs within a stream of a pooled tunnel to a gateway.
     *
     * @param gateway who carries it
     * @param outer what the gateway is asked for
     * @param expected any of these the inner tunnel's end must prove to be
     * @param request what the inner tunnel's end is asked for
     * @return ends the attempt without a further word
     */
    public Runnable openThrough(
            Key gateway, ConnectRequest outer, List<SpiffeId> expected, ConnectRequest request, Listener listener) {
        NestedStream nested = new NestedStream(this, gateway.source(), expected, request, listener);
        nested.openThrough(gateway, outer);
        return nested;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    Terms terms() {
        return terms;
    }

    /** Whether one more tunnel may be opened, maybe in the stead of one that is idle, and if so counts it. */
    boolean takeTunnelPlace() {
        if (tunnels >= terms.tunnelsMax()) {
            endLongestIdle();
        }
        if (tunnels >= terms.tunnelsMax()) {
            return false;
        }
        tunnels++;
        return true;
    }

    private void endLongestIdle() {
        PooledTunnel longest = null;
        for (TunnelGroup group : groups.values()) {
            PooledTunnel idle = group.longestIdle();
            if (idle != null && (longest == null || idle.idleNanos() > longest.idleNanos())) {
                longest = idle;
            }
        }
        if (longest != null) {
            longest.giveWay();
        }
    }

    void giveTunnelPlaceBack() {
        tunnels--;
    }

    void began(Tunnel tunnel) {
        live.add(tunnel);
    }

    /** A tunnel is over. */
    void ended(@Nullable Tunnel tunnel, CloseReason reason, @Nullable BadPeer badPeer) {
        if (tunnel != null) {
            live.remove(tunnel);
        }
        if (reason == CloseReason.CERTIFICATE_REVOKED) {
            surroundings.telemetry().metrics().crlRejected(Direction.OUTBOUND);
        }
        count(badPeer);
    }

    /** The tunnels now; each is to look at its peer again when other revocation lists are in force. */
    public List<Tunnel> live() {
        return List.copyOf(live);
    }

    void count(@Nullable BadPeer badPeer) {
        if (badPeer != null) {
            surroundings.telemetry().metrics().badPeer(badPeer);
        }
    }

    private void sweep() {
        if (closed) {
            return;
        }
        groups.values().forEach(TunnelGroup::retireOld);
        groups.values().removeIf(TunnelGroup::isEmpty);
        nextSweep = surroundings.loop().schedule(sweep, sweepNanos());
    }

    /** How many tunnels are open or being opened. */
    public int tunnels() {
        return tunnels;
    }

    /** Closes every tunnel; their streams are lost. */
    public void close(CloseReason reason) {
        closed = true;
        nextSweep.cancel();
        List.copyOf(groups.values()).forEach(group -> group.close(reason));
        groups.clear();
    }
}
