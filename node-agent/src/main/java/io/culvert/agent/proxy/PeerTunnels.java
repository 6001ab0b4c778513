package io.culvert.agent.proxy;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A pod's secured tunnels on one loop that carry no connection, by peer, so that those which take much give way first.
 *
 * <p>Runs on: its loop. Bounds: the pod's tunnels.
 */
final class PeerTunnels {
    private static final Comparator<InboundTunnel> BY_IDLENESS = Comparator.comparingLong(InboundTunnel::idleNanos);

    private final Map<TunnelPeer, Set<InboundTunnel>> byPeer = new HashMap<>();

    void add(TunnelPeer peer, InboundTunnel tunnel) {
        byPeer.computeIfAbsent(peer, fresh -> new LinkedHashSet<>()).add(tunnel);
    }

    void remove(TunnelPeer peer, InboundTunnel tunnel) {
        Set<InboundTunnel> left = byPeer.get(peer);
        if (left != null && left.remove(tunnel) && left.isEmpty()) {
            byPeer.remove(peer);
        }
    }

    /** The peer's tunnel without streams that has had none for longest. */
    @Nullable
    InboundTunnel longestIdleOf(TunnelPeer peer) {
        Set<InboundTunnel> its = byPeer.get(peer);
        return its == null ? null : longestIdle(its);
    }

    /** That of the peer with most tunnels here, or of the next one if all of its are in use. */
    @Nullable
    InboundTunnel longestIdleOfMost() {
        Set<InboundTunnel> most = Set.of();
        InboundTunnel found = null;
        for (Set<InboundTunnel> its : byPeer.values()) {
            InboundTunnel idle = its.size() > most.size() ? longestIdle(its) : null;
            if (idle != null) {
                most = its;
                found = idle;
            }
        }
        return found;
    }

    private static @Nullable InboundTunnel longestIdle(Set<InboundTunnel> tunnels) {
        return tunnels.stream().filter(InboundTunnel::isIdle).max(BY_IDLENESS).orElse(null);
    }
}
