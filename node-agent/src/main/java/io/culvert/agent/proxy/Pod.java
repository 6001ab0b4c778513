package io.culvert.agent.proxy;

import io.culvert.agent.hbone.Tunnel;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What a pod's parts on all loops have in common: who it is, on what terms it is served, and how much of it is open.
 *
 * <p>Runs on: any. Bounds: connections and accepted tunnels, both directions and all loops together.
 */
final class Pod {
    private final ProxyWorld world;
    private final PodIdentity identity;
    private final boolean spoofing;
    private final Tunnel.Terms serverTerms;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger tunnelsAccepted = new AtomicInteger();
    private volatile @Nullable Runnable whenEmpty;

    Pod(ProxyWorld world, PodIdentity identity, boolean spoofing) {
        this.world = world;
        this.identity = identity;
        this.spoofing = spoofing;
        this.serverTerms = new ProxyTerms(world.config()).serverTunnel();
    }

    ProxyWorld world() {
        return world;
    }

    PodIdentity identity() {
        return identity;
    }

    Tunnel.Terms serverTerms() {
        return serverTerms;
    }

    /** Whether applications are reached from the client's own address. */
    boolean spoofing() {
        return spoofing;
    }

    boolean takeConnectionPlace() {
        if (connections.incrementAndGet() > world.config().proxy().limits().connectionsPerPodMax()) {
            connections.decrementAndGet();
            return false;
        }
        return true;
    }

    void giveConnectionPlaceBack() {
        Runnable told = whenEmpty;
        if (connections.decrementAndGet() == 0 && told != null) {
            told.run();
        }
    }

    boolean takeTunnelPlace() {
        if (tunnelsAccepted.incrementAndGet() > world.config().proxy().limits().tunnelsPerPodMax()) {
            tunnelsAccepted.decrementAndGet();
            return false;
        }
        return true;
    }

    void giveTunnelPlaceBack() {
        tunnelsAccepted.decrementAndGet();
    }

    /** Open connections and accepted tunnels. */
    int connections() {
        return connections.get();
    }

    /** The task runs once nothing is open, at once if nothing is; maybe more than once. */
    void whenEmpty(Runnable told) {
        whenEmpty = told;
        if (connections.get() == 0) {
            told.run();
        }
    }
}
