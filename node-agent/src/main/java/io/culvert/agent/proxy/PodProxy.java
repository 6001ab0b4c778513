package io.culvert.agent.proxy;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.SocketConfig;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The proxy of one pod: its three listeners in the pod's network namespace and all that they accepted.
 *
 * <p>Runs on: any. Owns: the namespace's descriptor, the listeners, the tunnels, the connections; {@link #close} ends all.
 */
public final class PodProxy {
    private static final int BACKLOG = 1_024;

    private final ProxyWorld world;
    private final PodIdentity identity;
    private final PodNetns netns;
    private final boolean spoofing;
    private final Dialer dialer;
    private final ConnectSpec acceptedSpec;
    private final Tunnel.Terms serverTerms;
    private final Map<DataLoop, PodLoop> podLoops;
    private final List<ListeningSocket> listeners = new ArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger tunnelsAccepted = new AtomicInteger();
    private final MeshStore.Registration meshRegistration;
    private volatile @Nullable Runnable whenEmpty;

    private PodProxy(ProxyWorld world, PodIdentity identity, PodNetns netns, boolean spoofing) {
        this.world = world;
        this.identity = identity;
        this.netns = netns;
        this.spoofing = spoofing;
        ProxyTerms terms = new ProxyTerms(world.config());
        this.acceptedSpec = terms.connectSpec();
        this.dialer = new Dialer(world.sockets(), netns, acceptedSpec, terms.connectNanos());
        this.serverTerms = terms.serverTunnel();
        HbonePool.Terms poolTerms = terms.pool();
        this.podLoops = world.loops().loops().stream()
                .collect(Collectors.toUnmodifiableMap(Function.identity(), loop -> podLoop(loop, poolTerms)));
        this.meshRegistration =
                world.mesh().listen(snapshot -> podLoops.values().forEach(PodLoop::policiesMayHaveChanged));
    }

    private PodLoop podLoop(DataLoop loop, HbonePool.Terms terms) {
        HbonePool pool = new HbonePool(
                new HbonePool.Surroundings(loop, dialer, world.certificates(), world.telemetry(), world.clock()),
                terms);
        return new PodLoop(this, loop, pool);
    }

    /**
     * Opens the listeners in the pod's namespace and starts to accept.
     *
     * <p>Errors: {@link ShimException} when a listener cannot be opened; nothing is left open then.
     *
     * @param netns owned by the result, or closed when this fails
     */
    public static PodProxy start(ProxyWorld world, PodIdentity identity, PodNetns netns) throws ShimException {
        List<Integer> opened = new ArrayList<>();
        try {
            AgentConfig config = world.config();
            int inbound = listen(world, netns, config.ports().inbound(), opened);
            int passthrough = listen(world, netns, config.ports().passthrough(), opened);
            int outbound = listen(world, netns, config.ports().outbound(), opened);
            boolean spoofing = SocketFactory.isTransparent(inbound);
            PodProxy proxy = new PodProxy(world, identity, netns, spoofing);
            proxy.accept("HBONE listener of " + identity.name(), inbound, InboundTunnel::accept);
            proxy.accept("plaintext listener of " + identity.name(), passthrough, PassthroughConnection::accept);
            proxy.accept("outbound listener of " + identity.name(), outbound, OutboundConnection::accept);
            return proxy;
        } catch (ShimException e) {
            opened.forEach(io.culvert.shim.Fds::close);
            netns.close();
            throw e;
        }
    }

    private static int listen(ProxyWorld world, PodNetns netns, int port, List<Integer> opened) throws ShimException {
        SocketConfig sockets = world.config().proxy().sockets();
        ListenSpec.Transparency transparency = switch (sockets.originalSource()) {
            case AUTO -> ListenSpec.Transparency.BEST_EFFORT;
            case TRUE -> ListenSpec.Transparency.REQUIRED;
            case FALSE -> ListenSpec.Transparency.NEVER;
        };
        // 0, 0 is [::], dual-stack where the namespace has IPv6; 0, ffff:0:0 is 0.0.0.0.
        long any = sockets.ipv6() ? 0 : 0xffff_0000_0000L;
        int fd = world.sockets()
                .listenTcp(
                        netns,
                        new ListenSpec(0, any, port, BACKLOG, transparency, sockets.portReuse(), sockets.packetMark()));
        opened.add(fd);
        return fd;
    }

    /** What one of the listeners does with what it accepted. */
    @FunctionalInterface
    private interface Accepting {
        void accept(PodLoop podLoop, int fd);
    }

    private void accept(String name, int fd, Accepting accepting) {
        ListeningSocket listener =
                new ListeningSocket(name, fd, world.loops(), (loop, accepted) -> accepting.accept(on(loop), accepted));
        listeners.add(listener);
        listener.start();
    }

    private PodLoop on(DataLoop loop) {
        PodLoop podLoop = podLoops.get(loop);
        if (podLoop == null) {
            throw new IllegalStateException("the pod is not on this loop");
        }
        return podLoop;
    }

    ProxyWorld world() {
        return world;
    }

    public PodIdentity identity() {
        return identity;
    }

    public PodNetns netns() {
        return netns;
    }

    Dialer dialer() {
        return dialer;
    }

    ConnectSpec acceptedSpec() {
        return acceptedSpec;
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
    public int connections() {
        return connections.get();
    }

    /** What is open, as of now. */
    public CompletableFuture<List<ConnectionView>> views() {
        List<CompletableFuture<List<ConnectionView>>> parts = podLoops.values().stream()
                .map(podLoop -> CompletableFuture.supplyAsync(
                        () -> podLoop.open().stream()
                                .map(OpenConnection::view)
                                .filter(view -> view != null)
                                .toList(),
                        podLoop.loop()::execute))
                .toList();
        return CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new))
                .thenApply(done ->
                        parts.stream().flatMap(part -> part.join().stream()).toList());
    }

    /** Stops accepting; what is open goes on. The task runs once nothing is open, on some loop. */
    public void drain(Runnable emptied) {
        listeners.forEach(ListeningSocket::close);
        whenEmpty = emptied;
        podLoops.values().forEach(podLoop -> podLoop.loop().execute(podLoop::drain));
        if (connections.get() == 0) {
            emptied.run();
        }
    }

    /** Ends everything at once. */
    public CompletableFuture<Void> close(CloseReason reason) {
        meshRegistration.close();
        listeners.forEach(ListeningSocket::close);
        CompletableFuture<?>[] ended = podLoops.values().stream()
                .map(podLoop -> CompletableFuture.runAsync(() -> podLoop.close(reason, null), podLoop.loop()::execute))
                .toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(ended).whenComplete((_, _) -> netns.close());
    }
}
