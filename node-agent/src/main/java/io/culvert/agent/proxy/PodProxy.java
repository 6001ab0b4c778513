package io.culvert.agent.proxy;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.SocketConfig;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.NetnsDialer;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.net.IpAddress;
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
 * The proxy of one pod: its three listeners in the pod's network namespace and all that they accepted.
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

    private PodProxy(
            ProxyHost host,
            ProxyWorld world,
            PodIdentity identity,
            PodNetns netns,
            boolean spoofing,
            ConnectSpec connecting) {
        this.pod = new Pod(world, identity, spoofing);
        this.netns = netns;
        this.loops = host.loops();
        ProxyTerms terms = new ProxyTerms(world.config());
        this.podLoops = loops.loops().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Function.identity(), loop -> podLoop(loop, host.sockets(), connecting, terms)));
        this.meshRegistration =
                world.mesh().listen(snapshot -> podLoops.values().forEach(PodLoop::policiesMayHaveChanged));
        this.crlRegistration = world.crl().onChange(() -> podLoops.values().forEach(PodLoop::revocationsHaveChanged));
    }

    private PodLoop podLoop(DataLoop loop, SocketFactory sockets, ConnectSpec connecting, ProxyTerms terms) {
        Dialer dialer = new NetnsDialer(loop, sockets, netns, connecting, terms.connectNanos());
        return new PodLoop(pod, loop, dialer, terms.pool());
    }

    /**
     * Opens the listeners in the pod's namespace and starts to accept.
     *
     * <p>Errors: {@link ShimException} when a listener cannot be opened; nothing is left open then.
     *
     * @param netns owned by the result, or closed when this fails
     */
    public static PodProxy start(ProxyHost host, ProxyWorld world, PodIdentity identity, PodNetns netns)
            throws ShimException {
        List<Integer> opened = new ArrayList<>();
        try {
            AgentConfig config = world.config();
            int inbound = listen(host, config, netns, config.ports().inbound(), opened);
            int passthrough = listen(host, config, netns, config.ports().passthrough(), opened);
            int outbound = listen(host, config, netns, config.ports().outbound(), opened);
            boolean spoofing = SocketFactory.isTransparent(inbound);
            ConnectSpec connecting = new ProxyTerms(config).connectSpec();
            PodProxy proxy = new PodProxy(host, world, identity, netns, spoofing, connecting);
            proxy.accept("HBONE listener of " + identity.name(), inbound, InboundTunnel::accept);
            proxy.accept("plaintext listener of " + identity.name(), passthrough, PassthroughConnection::accept);
            proxy.accept("outbound listener of " + identity.name(), outbound, OutboundConnection::accept);
            return proxy;
        } catch (ShimException | RuntimeException e) {
            opened.forEach(Fds::close);
            netns.close();
            throw e;
        }
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
        SocketConfig sockets = world.config().proxy().sockets();
        ProxyTerms terms = new ProxyTerms(world.config());
        ConnectSpec connecting = terms.unmarkedConnectSpec();
        List<Integer> opened = new ArrayList<>();
        try {
            int fd = listen(
                    host,
                    netns,
                    new ListenSpec(
                            0,
                            any(sockets),
                            world.config().ports().inbound(),
                            BACKLOG,
                            ListenSpec.Transparency.NEVER,
                            sockets.portReuse(),
                            0));
            opened.add(fd);
            SocketFactory.tune(fd, connecting);
            PodProxy proxy = new PodProxy(host, world, identity, netns, false, connecting);
            proxy.accept("HBONE listener of the agent", fd, InboundTunnel::accept);
            return proxy;
        } catch (ShimException | RuntimeException e) {
            opened.forEach(Fds::close);
            netns.close();
            throw e;
        }
    }

    private static int listen(ProxyHost host, AgentConfig config, PodNetns netns, int port, List<Integer> opened)
            throws ShimException {
        SocketConfig sockets = config.proxy().sockets();
        ListenSpec.Transparency transparency = switch (sockets.originalSource()) {
            case AUTO -> ListenSpec.Transparency.BEST_EFFORT;
            case TRUE -> ListenSpec.Transparency.REQUIRED;
            case FALSE -> ListenSpec.Transparency.NEVER;
        };
        ListenSpec spec =
                new ListenSpec(0, any(sockets), port, BACKLOG, transparency, sockets.portReuse(), sockets.packetMark());
        int fd = listen(host, netns, spec);
        opened.add(fd);
        // What is accepted inherits these, which saves setting them each time.
        SocketFactory.tune(fd, new ProxyTerms(config).connectSpec());
        return fd;
    }

    /** With 0 before it this is [::], dual-stack where the namespace has IPv6, or 0.0.0.0. */
    private static long any(SocketConfig sockets) {
        return sockets.ipv6() ? 0 : IpAddress.V4_ANY.low();
    }

    private static int listen(ProxyHost host, PodNetns netns, ListenSpec spec) throws ShimException {
        try {
            return host.sockets().listenTcp(netns, spec);
        } catch (ShimException e) {
            String address = (spec.low() == 0 ? "[::]:" : "0.0.0.0:") + spec.port();
            throw new ShimException("listen on " + address + ": " + e.call(), e.errno());
        }
    }

    /** What one of the listeners does with what it accepted. */
    @FunctionalInterface
    private interface Accepting {
        void accept(PodLoop podLoop, AcceptedSocket socket);
    }

    private void accept(String name, int fd, Accepting accepting) {
        ListeningSocket listener = new ListeningSocket(name, fd, loops, (loop, accepted, peer) -> {
            if (on(loop).isClosed()) {
                Fds.close(accepted);
            } else {
                accepting.accept(on(loop), TcpSocket.adopt(loop, accepted, peer));
            }
        });
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
        listeners.forEach(ListeningSocket::close);
        podLoops.values().forEach(podLoop -> podLoop.loop().execute(podLoop::drain));
        pod.whenEmpty(emptied);
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
