package io.culvert.agent.hbone;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.TunnelRole;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.identity.PeerIdentity;
import org.jspecify.annotations.Nullable;

/**
 * One tunnel of a pool, from the wish for it to its end: certificate, TCP, TLS, then streams.
 *
 * <p>Bounds: it is not used beyond the end of the certificate that it was opened with, nor when idle for long.
 */
final class PooledTunnel implements Dialer.Listener, TunnelListener {
    private static final System.Logger LOG = System.getLogger(PooledTunnel.class.getName());

    private final TunnelGroup group;
    private final HbonePool pool;
    private @Nullable TlsMaterial material;
    private @Nullable Tunnel tunnel;
    private final Deadline certificateDeadline = new Deadline();
    private Runnable cancelStep = () -> {};
    private boolean counted;
    private boolean retired;
    private boolean over;

    PooledTunnel(TunnelGroup group) {
        this.group = group;
        this.pool = group.pool();
    }

    void open() {
        TlsMaterial held =
                pool.surroundings().certificates().current(group.key().source());
        if (held != null) {
            dial(held);
            return;
        }
        certificateDeadline.start(
                pool.surroundings().loop(),
                () -> close(CloseReason.IDENTITY_UNAVAILABLE),
                pool.terms().certificateNanos());
        cancelStep = pool.surroundings()
                .certificates()
                .whenAvailable(
                        group.key().source(),
                        fresh -> pool.surroundings().loop().execute(() -> dial(fresh)));
    }

    private void dial(TlsMaterial held) {
        if (over) {
            return;
        }
        certificateDeadline.cancel();
        material = held;
        cancelStep = () -> {};
        Runnable cancelDial = pool.surroundings().dialer().dial(group.key().target(), null, this);
        if (!over && tunnel == null) {
            cancelStep = cancelDial;
        }
    }

    @Override
    public void onConnected(RelaySocket socket) {
        TlsMaterial held = material;
        cancelStep = () -> {};
        if (over || held == null) {
            socket.close();
            return;
        }
        try {
            begin(socket, held);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "a tunnel was given up because of a fault in the agent", e);
            fault(socket, e.toString());
        }
    }

    private void begin(RelaySocket socket, TlsMaterial held) {
        Loop loop = pool.surroundings().loop();
        Transport transport = pool.surroundings()
                .transports()
                .client(loop, socket, held, group.key().expected());
        Tunnel fresh = Tunnel.client(loop, transport, pool.terms().tunnel(), this);
        tunnel = fresh;
        pool.began(fresh);
        fresh.start();
    }

    /** Whoever waits for the tunnel is told, whatever else goes wrong. */
    private void fault(RelaySocket socket, String detail) {
        Tunnel held = tunnel;
        try {
            if (held == null) {
                socket.close();
            } else {
                held.close(CloseReason.BUG, detail);
            }
        } finally {
            finish(CloseReason.BUG, detail);
        }
    }

    @Override
    public void onDialFailed(boolean timedOut, String detail) {
        finish(timedOut ? CloseReason.TUNNEL_CONNECT_TIMEOUT : CloseReason.CONNECT_FAILED, detail);
    }

    boolean hasRoom() {
        Tunnel held = tunnel;
        return !retired && held != null && held.canOpen(pool.terms().streamsPerTunnelMax());
    }

    /** {@link TunnelLoad#isHeavy}. */
    boolean isHeavy() {
        Tunnel held = tunnel;
        return held != null && held.load().isHeavy();
    }

    int streams() {
        Tunnel held = tunnel;
        return held == null ? 0 : held.streams();
    }

    /** For how long it takes no streams although it has room; 0 otherwise. */
    long restNanos() {
        Tunnel held = tunnel;
        return retired || held == null ? 0 : held.restNanos(pool.terms().streamsPerTunnelMax());
    }

    TunnelStream connect(ConnectRequest request, TunnelStream.Opening opening) throws ConnectRefusedException {
        Tunnel held = tunnel;
        if (held == null) {
            throw new IllegalStateException("the tunnel is not open");
        }
        return held.connect(request, opening);
    }

    /** A tunnel that idles, or whose certificate has ended, takes no new streams and closes once it has none. */
    void retireIfOld() {
        Tunnel held = tunnel;
        TlsMaterial with = material;
        if (held == null || with == null) {
            return;
        }
        boolean idle = held.idleNanos() > pool.terms().idle().toNanos();
        retired |= idle || pool.surroundings().clock().instant().isAfter(with.notAfter());
        if (retired && held.streams() == 0) {
            held.end(CloseReason.NORMAL, idle ? "the tunnel was idle" : "the tunnel's certificate has ended");
        }
    }

    boolean isIdle() {
        Tunnel held = tunnel;
        return held != null && held.isIdle();
    }

    /** For how long it has had no streams. */
    long idleNanos() {
        Tunnel held = tunnel;
        return held == null ? 0 : held.idleNanos();
    }

    /** Closes while it is idle, since one to elsewhere needs its place. */
    void giveWay() {
        Tunnel held = tunnel;
        retired = true;
        if (held != null) {
            held.close(CloseReason.NORMAL, "a tunnel to another destination needed its place");
        }
    }

    @Override
    public void onTunnelOpen(PeerIdentity peer) {
        counted = true;
        pool.surroundings().telemetry().metrics().tunnelOpened(TunnelRole.CLIENT);
        group.onOpen(this);
    }

    @Override
    public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
        throw new IllegalStateException("a client tunnel accepts no streams");
    }

    @Override
    public void onTunnelMalformed(RequestFault fault) {
        throw new IllegalStateException("a client tunnel takes no requests");
    }

    @Override
    public void onTunnelFault(BadPeer kind) {
        pool.count(kind);
    }

    @Override
    public void onTunnelRoom() {
        if (!over) {
            group.serve();
        }
    }

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
        pool.ended(tunnel, reason, badPeer);
        finish(reason, detail);
    }

    void close(CloseReason reason) {
        cancelStep.run();
        Tunnel held = tunnel;
        if (held != null) {
            held.close(reason, "the pool was closed");
        } else {
            finish(reason, null);
        }
    }

    private void finish(CloseReason reason, @Nullable String detail) {
        if (over) {
            return;
        }
        over = true;
        certificateDeadline.cancel();
        if (counted) {
            pool.surroundings().telemetry().metrics().tunnelClosed(TunnelRole.CLIENT);
        }
        group.onClosed(this, reason, detail);
    }
}
