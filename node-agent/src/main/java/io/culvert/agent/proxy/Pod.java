package io.culvert.agent.proxy;

import io.culvert.agent.config.LimitConfig;
import io.culvert.agent.hbone.Tunnel;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What a pod's parts on all loops have in common: who it is, on what terms it is served, and how much of it is open.
 *
 * <p>Runs on: any. Bounds: connections of each kind, and accepted tunnels that carry none, all loops together: one kind's masses
 * must not keep the others out; of those tunnels one peer has at most the part of {@link #PEER_SHARE}. Tunnels that carry
 * connections are no more than these: a peer may have many loops, or carry each of its connections in a tunnel of its own. The
 * last {@link #RESERVE}th part of the places for connections in tunnels is for peers that have few: no one peer takes them all.
 */
final class Pod {
    /** One peer's tunnels that carry nothing are at most one out of so many that the pod may have. */
    static final int PEER_SHARE = 4;

    /** One out of so many places for connections in tunnels is for peers that have few of them. */
    static final int RESERVE = 8;
    /** Few are one out of so many. */
    static final int FEW = 64;

    /** What one peer has of the pod, all loops together. */
    private record Peer(int tunnels, AtomicInteger streams) {}

    private final ProxyWorld world;
    private final PodIdentity identity;
    private final boolean spoofing;
    private final Tunnel.Terms serverTerms;
    private final AtomicInteger open = new AtomicInteger();
    private final Map<OpenConnection.Place, AtomicInteger> openOfKind = new EnumMap<>(OpenConnection.Place.class);
    private final ConcurrentMap<TunnelPeer, Integer> tunnelsOfPeer = new ConcurrentHashMap<>();
    private final ConcurrentMap<TunnelPeer, Peer> peers = new ConcurrentHashMap<>();
    private volatile @Nullable Runnable whenEmpty;

    Pod(ProxyWorld world, PodIdentity identity, boolean spoofing) {
        this.world = world;
        this.identity = identity;
        this.spoofing = spoofing;
        for (OpenConnection.Place place : OpenConnection.Place.values()) {
            openOfKind.put(place, new AtomicInteger());
        }
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

    boolean takePlace(OpenConnection.Place place) {
        AtomicInteger ofKind = ofKind(place);
        if (ofKind.incrementAndGet() > max(place)) {
            ofKind.decrementAndGet();
            return false;
        }
        open.incrementAndGet();
        return true;
    }

    /** What is open goes on as another kind; false, and nothing changed, when there is no place for one more of that. */
    boolean change(OpenConnection.Place from, OpenConnection.Place to) {
        AtomicInteger target = ofKind(to);
        if (target.incrementAndGet() > max(to)) {
            target.decrementAndGet();
            return false;
        }
        ofKind(from).decrementAndGet();
        return true;
    }

    private AtomicInteger ofKind(OpenConnection.Place place) {
        return Objects.requireNonNull(openOfKind.get(place));
    }

    private int max(OpenConnection.Place place) {
        LimitConfig limits = world.config().proxy().limits();
        return place == OpenConnection.Place.TUNNEL ? limits.tunnelsPerPodMax() : limits.connectionsPerPodMax();
    }

    void givePlaceBack(OpenConnection.Place place) {
        ofKind(place).decrementAndGet();
        boolean last = open.decrementAndGet() == 0;
        // Read after the count is down: whoever asks meanwhile either is seen here or sees that nothing is open.
        Runnable told = whenEmpty;
        if (last && told != null) {
            told.run();
        }
    }

    /** Whether one more tunnel may be the peer's, and if so counts it. */
    boolean takePeerPlace(TunnelPeer peer) {
        int max = Math.max(1, max(OpenConnection.Place.TUNNEL) / PEER_SHARE);
        if (tunnelsOfPeer.merge(peer, 1, Integer::sum) > max) {
            givePeerPlaceBack(peer);
            return false;
        }
        return true;
    }

    void givePeerPlaceBack(TunnelPeer peer) {
        tunnelsOfPeer.computeIfPresent(peer, (_, count) -> count == 1 ? null : count - 1);
    }

    /**
     * One of the peer's tunnels is open, until {@link #leave}.
     *
     * @return how many connections it has in all of them; whoever opens one counts it
     */
    AtomicInteger enter(TunnelPeer peer) {
        return Objects.requireNonNull(peers.merge(
                        peer,
                        new Peer(1, new AtomicInteger()),
                        (known, _) -> new Peer(known.tunnels() + 1, known.streams())))
                .streams();
    }

    void leave(TunnelPeer peer) {
        peers.computeIfPresent(
                peer, (_, known) -> known.tunnels() == 1 ? null : new Peer(known.tunnels() - 1, known.streams()));
    }

    /** Whether so few places for connections in tunnels are left that a peer which has that many gets no more. */
    boolean isShortFor(int streams) {
        int max = max(OpenConnection.Place.STREAM);
        return streams >= Math.max(1, max / FEW)
                && ofKind(OpenConnection.Place.STREAM).get() >= max - max / RESERVE;
    }

    /** Open connections and accepted tunnels. */
    int connections() {
        return open.get();
    }

    /** The task runs once nothing is open, at once if nothing is; maybe more than once. */
    void whenEmpty(Runnable told) {
        whenEmpty = told;
        if (open.get() == 0) {
            told.run();
        }
    }
}
