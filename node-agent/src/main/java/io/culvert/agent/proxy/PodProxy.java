package io.culvert.agent.proxy;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.config.PortConfig;
import io.culvert.agent.config.SocketConfig;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.NetnsDialer;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Fds;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The proxy of one pod: its listeners in the pod's network namespace and all that they accepted.
 *
 * <p>Runs on: any. Owns: the namespace's descriptor, the listeners, the tunnels, the connections; {@link #close} ends all.
 */
public final class PodProxy implements ServingProxy {
    private static final int BACKLOG = 1_024;

    private final Pod pod;
    private final PodNetns netns;
    private final LoopGroup loops;
    private final Map<DataLoop, PodLoop> podLoops;
    private final List<ListeningSocket> listeners = new ArrayList<>();
    private final MeshStore.Registration meshRegistration;
    private final CrlStore.Registration crlRegistration;

    /** What is listened at, and what becomes of what is accepted there with which options. */
    private record Door(String name, IpPort at, ConnectSpec accepted, Accepting accepting) {}

    /** What one of the listeners does with what it accepted. */
    @FunctionalInterface
    private interface Accepting {
        void accept(PodLoop podLoop, AcceptedSocket socket);
    }

    /**
     * How a pod is served.
     *
     * @param doors the first one's transparency says whether applications are reached from the client's own address
     * @param connecting options of what is connected
     * @param names what SOCKS clients' names are resolved by, on each loop
     */
    private record Plan(
            List<Door> doors,
            ListenSpec.Transparency transparency,
            ConnectSpec connecting,
            Function<DataLoop, PodNames> names) {}

    private PodProxy(
            ProxyHost host, ProxyWorld world, PodIdentity identity, PodNetns netns, Plan plan, boolean spoofing) {
        this.pod = new Pod(world, identity, spoofing);
        this.netns = netns;
        this.loops = host.loops();
        this.podLoops = loops.loops().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Function.identity(), loop -> podLoop(loop, host.sockets(), world, plan)));
        this.meshRegistration =
                world.mesh().listen(snapshot -> podLoops.values().forEach(PodLoop::policiesMayHaveChanged));
        this.crlRegistration = world.crl().onChange(() -> podLoops.values().forEach(PodLoop::revocationsHaveChanged));
    }

    private PodLoop podLoop(DataLoop loop, SocketFactory sockets, ProxyWorld world, Plan plan) {
        ProxyTerms terms = new ProxyTerms(world.config());
        Dialer dialer = new NetnsDialer(loop, sockets, netns, plan.connecting(), terms.connectNanos());
        return new PodLoop(pod, loop, dialer, terms.pool(), plan.names().apply(loop));
    }

    /**
     * Opens the listeners in the pod's namespace and starts to accept, as soon as its host is serving.
     *
     * <p>Errors: {@link ShimException} when a listener cannot be opened; nothing is left open then.
     *
     * @param netns owned by the result, or closed when this fails
     * @param names what SOCKS clients' names are resolved by, on each loop
     */
    public static PodProxy start(
            ProxyHost host, ProxyWorld world, PodIdentity identity, PodNetns netns, Function<DataLoop, PodNames> names)
            throws ShimException {
        PortConfig ports = world.config().ports();
        SocketConfig sockets = world.config().proxy().sockets();
        ProxyTerms terms = new ProxyTerms(world.config());
        ConnectSpec spec = terms.connectSpec();
        List<Door> doors = new ArrayList<>();
        doors.add(new Door("HBONE", any(sockets, ports.inbound()), spec, InboundTunnel::accept));
        doors.add(new Door("plaintext", any(sockets, ports.passthrough()), spec, PassthroughConnection::accept));
        doors.add(new Door("outbound", any(sockets, ports.outbound()), spec, OutboundConnection::accept));
        if (ports.socks() != 0) {
            IpPort at = new IpPort(IpAddress.V4_LOOPBACK, ports.socks());
            doors.add(new Door("SOCKS", at, terms.socksSpec(), OutboundConnection::acceptSocks));
        }
        ListenSpec.Transparency transparency = switch (sockets.originalSource()) {
            case AUTO -> ListenSpec.Transparency.BEST_EFFORT;
            case TRUE -> ListenSpec.Transparency.REQUIRED;
            case FALSE -> ListenSpec.Transparency.NEVER;
        };
        return start(host, world, identity, netns, new Plan(doors, transparency, spec, names));
    }

    /**
     * Accepts tunnels to the agent's own pod, where nothing is redirected: by a listener and to sockets without a mark, and in
     * nobody else's name.
     *
     * <p>Errors: {@link ShimException} when the listener cannot be opened; nothing is left open then.
     *
     * @param netns owned by the result, or closed when this fails
     */
    public static PodProxy startOwn(ProxyHost host, ProxyWorld world, PodIdentity identity, PodNetns netns)
            throws ShimException {
        ConnectSpec spec = new ProxyTerms(world.config()).unmarkedConnectSpec();
        IpPort at = any(world.config().proxy().sockets(), world.config().ports().inbound());
        List<Door> doors = List.of(new Door("HBONE", at, spec, InboundTunnel::accept));
        Plan plan = new Plan(doors, ListenSpec.Transparency.NEVER, spec, loop -> PodNames.NONE);
        return start(host, world, identity, netns, plan);
    }

    private static PodProxy start(ProxyHost host, ProxyWorld world, PodIdentity identity, PodNetns netns, Plan plan)
            throws ShimException {
        List<Integer> opened = new ArrayList<>();
        try {
            for (Door door : plan.doors()) {
                int fd = listen(host, netns, door, plan, world.config().proxy().sockets());
                opened.add(fd);
                // What is accepted inherits these, which saves setting them each time.
                SocketFactory.tune(fd, door.accepted());
            }
            boolean spoofing = SocketFactory.isTransparent(opened.getFirst());
            PodProxy proxy = new PodProxy(host, world, identity, netns, plan, spoofing);
            for (int i = 0; i < opened.size(); i++) {
                proxy.accept(host, plan.doors().get(i), opened.get(i));
            }
            return proxy;
        } catch (ShimException | RuntimeException e) {
            opened.forEach(Fds::close);
            netns.close();
            throw e;
        }
    }

    /** On [::], dual-stack where the namespace has IPv6, or 0.0.0.0. */
    private static IpPort any(SocketConfig sockets, int port) {
        return new IpPort(sockets.ipv6() ? IpAddress.V6_ANY : IpAddress.V4_ANY, port);
    }

    private static int listen(ProxyHost host, PodNetns netns, Door door, Plan plan, SocketConfig sockets)
            throws ShimException {
        IpAddress ip = door.at().ip();
        try {
            return host.sockets()
                    .listenTcp(
                            netns,
                            new ListenSpec(
                                    ip.high(),
                                    ip.low(),
                                    door.at().port(),
                                    BACKLOG,
                                    plan.transparency(),
                                    sockets.portReuse(),
                                    door.accepted().mark()));
        } catch (ShimException e) {
            throw new ShimException("listen on " + door.at() + ": " + e.call(), e.errno());
        }
    }

    private void accept(ProxyHost host, Door door, int fd) {
        String name = door.name() + " listener of " + pod.identity().name();
        ListeningSocket listener = new ListeningSocket(name, fd, loops, (loop, accepted, peer) -> {
            if (on(loop).isClosed()) {
                Fds.close(accepted);
            } else {
                hand(door, on(loop), TcpSocket.adopt(loop, accepted, peer));
            }
        });
        listeners.add(listener);
        host.whenServing(listener::start);
    }

    private static void hand(Door door, PodLoop podLoop, TcpSocket socket) {
        try {
            door.accepting().accept(podLoop, socket);
        } catch (RuntimeException | Error e) {
            socket.abort();
            throw e;
        }
    }

    private PodLoop on(DataLoop loop) {
        PodLoop podLoop = podLoops.get(loop);
        if (podLoop == null) {
            throw new IllegalStateException("the pod is not on this loop");
        }
        return podLoop;
    }

    public PodIdentity identity() {
        return pod.identity();
    }

    @Override
    public PodNetns netns() {
        return netns;
    }

    /** Open connections and accepted tunnels. */
    public int connections() {
        return pod.connections();
    }

    @Override
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

    @Override
    public void drain(Runnable emptied) {
        CompletableFuture<?>[] finished =
                listeners.stream().map(ListeningSocket::finish).toArray(CompletableFuture[]::new);
        CompletableFuture<Void> _ = CompletableFuture.allOf(finished).thenRun(() -> {
            podLoops.values().forEach(podLoop -> podLoop.loop().execute(podLoop::drain));
            pod.whenEmpty(emptied);
        });
    }

    @Override
    public CompletableFuture<Void> close(CloseReason reason) {
        meshRegistration.close();
        crlRegistration.close();
        listeners.forEach(ListeningSocket::close);
        CompletableFuture<?>[] ended = podLoops.values().stream()
                .map(podLoop -> CompletableFuture.runAsync(() -> podLoop.close(reason, null), podLoop.loop()::execute))
                .toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(ended).whenComplete((_, _) -> netns.close());
    }
}
