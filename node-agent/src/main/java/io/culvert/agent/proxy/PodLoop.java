package io.culvert.agent.proxy;

import io.culvert.agent.base.Loop;
import io.culvert.agent.base.ShareLoop;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.telemetry.CloseReason;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One pod's part of one loop: its tunnels to others, its share of the buffers, and everything of it that is open here.
 *
 * <p>Runs on: its loop, except {@link #policiesMayHaveChanged} and {@link #revocationsHaveChanged}.
 */
final class PodLoop {
    /** How many connections may wait for what the control plane is asked for. */
    static final int ASKING_MAX = 256;

    /** A chain takes some hundred microseconds, during which the loop's other connections wait. */
    private static final int PEERS_PER_TURN_MAX = 16;

    private final Pod pod;
    private final Loop loop;
    private final Dialer dialer;
    private final HbonePool pool;
    private final PodNames names;
    private final Set<OpenConnection> open = new LinkedHashSet<>();
    /** Accepted tunnels whose peers have proved nothing yet, eldest first. */
    private final Set<InboundTunnel> unproven = new LinkedHashSet<>();

    private final PeerTunnels proven = new PeerTunnels();

    private final AtomicBoolean recheckRequested = new AtomicBoolean();
    private final Runnable recheck = this::recheck;
    private int asking;
    private boolean draining;
    private boolean closed;

    PodLoop(Pod pod, Loop loop, Dialer dialer, HbonePool.Terms terms, PodNames names) {
        this.pod = pod;
        this.names = names;
        this.loop = new ShareLoop(loop);
        this.dialer = dialer;
        ProxyWorld world = pod.world();
        this.pool = new HbonePool(
                new HbonePool.Surroundings(
                        this.loop, dialer, world.transports(), world.certificates(), world.telemetry(), world.clock()),
                terms);
    }

    Pod pod() {
        return pod;
    }

    Loop loop() {
        return loop;
    }

    Dialer dialer() {
        return dialer;
    }

    HbonePool pool() {
        return pool;
    }

    PodNames names() {
        return names;
    }

    boolean isDraining() {
        return draining;
    }

    /** Whether nothing may be opened here any more; what is accepted all the same, on its way from another loop, is closed. */
    boolean isClosed() {
        return closed;
    }

    /** Keeps an accepted connection until {@link #forget}; false when the pod has as many of its kind as it may have. */
    boolean admit(OpenConnection connection) {
        if (!pod.takePlace(connection.place())) {
            return false;
        }
        open.add(connection);
        return true;
    }

    void forget(OpenConnection connection) {
        if (open.remove(connection)) {
            pod.givePlaceBack(connection.place());
        }
    }

    /** Whether one more connection may wait for the control plane, and if so counts it. */
    boolean takeAskingPlace() {
        if (asking >= ASKING_MAX) {
            return false;
        }
        asking++;
        return true;
    }

    void giveAskingPlaceBack() {
        asking--;
    }

    void unproven(InboundTunnel tunnel) {
        unproven.add(tunnel);
    }

    void proven(InboundTunnel tunnel) {
        unproven.remove(tunnel);
    }

    /** The one that has taken longest to prove anything. */
    @Nullable
    InboundTunnel eldestUnproven() {
        return unproven.isEmpty() ? null : unproven.iterator().next();
    }

    PeerTunnels provenTunnels() {
        return proven;
    }

    List<OpenConnection> open() {
        return List.copyOf(open);
    }

    /** Has every judged connection judged again on the loop; many calls before that are one. */
    void policiesMayHaveChanged() {
        if (recheckRequested.compareAndSet(false, true)) {
            loop.execute(recheck);
        }
    }

    private void recheck() {
        recheckRequested.set(false);
        MeshSnapshot snapshot = pod.world().mesh().current();
        for (OpenConnection connection : List.copyOf(open)) {
            // One that cannot be judged is closed, and the others are judged all the same.
            connection.attempt(() -> connection.recheck(snapshot));
        }
    }

    /** Has every tunnel's peer looked at again on the loop, a few at a time. */
    void revocationsHaveChanged() {
        loop.execute(() -> {
            Queue<Tunnel> tunnels = new ArrayDeque<>(pool.live());
            for (OpenConnection connection : open) {
                Tunnel accepted = connection.tunnel();
                if (accepted != null) {
                    tunnels.add(accepted);
                }
            }
            recheckPeers(tunnels);
        });
    }

    private void recheckPeers(Queue<Tunnel> left) {
        for (int i = 0; i < PEERS_PER_TURN_MAX && !left.isEmpty(); i++) {
            left.remove().recheckPeer();
        }
        if (!left.isEmpty()) {
            loop.execute(() -> recheckPeers(left));
        }
    }

    void drain() {
        draining = true;
        List.copyOf(open).forEach(OpenConnection::drain);
    }

    void close(CloseReason reason, @Nullable String detail) {
        draining = true;
        closed = true;
        for (OpenConnection connection : List.copyOf(open)) {
            connection.attempt(() -> connection.close(reason, detail));
        }
        pool.close(reason);
    }
}
