package io.culvert.agent.dns;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.DnsConfig;
import io.culvert.agent.config.PodSource;
import io.culvert.agent.config.SocketConfig;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.ListeningSocket;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.PodNames;
import io.culvert.agent.proxy.ProxyHost;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.relay.NetnsDialer;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Errno;
import io.culvert.shim.Fds;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.shim.UdpSpec;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The DNS server of one pod, by UDP and TCP on the loopback addresses of its network namespace.
 *
 * <p>Runs on: any. Owns: its handle to the namespace, its sockets, the queries under way; {@link #close} ends all.
 */
public final class DnsProxy implements ServingProxy {
    private static final int BACKLOG = 128;
    private static final long CONNECT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final DnsPod pod;
    /** Where the answers that the pod was given are remembered, on whatever loop. */
    private final CacheSpace cached;

    private final PodNetns netns;
    private final Map<DataLoop, DnsPodLoop> podLoops;
    private final List<UdpServer> udpServers = new ArrayList<>();
    private final List<ListeningSocket> tcpListeners = new ArrayList<>();

    /** The two sockets at one address. */
    private record Opened(IpPort at, int udp, int tcp) {}

    private DnsProxy(ProxyHost host, DnsWorld world, PodIdentity identity, PodNetns netns) {
        this.pod = new DnsPod(identity, world.mesh(), world.queries());
        this.cached = new CacheSpace(AnswerCache.ANSWERS_MAX, AnswerCache.BYTES_MAX, world.cached());
        this.netns = netns;
        this.podLoops = host.loops().loops().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Function.identity(), loop -> podLoop(host, world, identity, loop)));
    }

    private DnsPodLoop podLoop(ProxyHost host, DnsWorld world, PodIdentity identity, DataLoop loop) {
        AgentConfig config = world.config();
        int mark = config.proxy().sockets().packetMark();
        ConnectSpec connect = new ConnectSpec(mark, ConnectSpec.Keepalive.OFF, 0, true);
        NetUpstream upstream = new NetUpstream(new NetUpstream.Surroundings(
                loop,
                host.sockets(),
                netns,
                new NetnsDialer(loop, host.sockets(), netns, connect, CONNECT_NANOS),
                mark,
                world.nameServers(),
                world.unpredictable()));
        DnsConfig dns = config.proxy().dns();
        MeshNames names = new MeshNames(
                new MeshNames.Terms(
                        DnsName.parse(dns.clusterDomain()),
                        dns.preferredNamespace(),
                        config.proxy().sockets().ipv6(),
                        config.podSource() == PodSource.OWN_NAMESPACE
                                ? () -> world.nameServers().current().searchDomains()
                                : null),
                ThreadLocalRandom::current);
        AnswerCache cache = new AnswerCache(loop, cached);
        PodResolver resolver = new PodResolver(new PodResolver.Surroundings(
                loop,
                new ClientWait(loop, world.mesh(), identity),
                names,
                new CachedUpstream(upstream, cache, world.nameServers()::current),
                world.metrics(),
                pod));
        return new DnsPodLoop(pod, loop, resolver, cache);
    }

    /**
     * Opens the sockets in the pod's namespace and starts to answer, as soon as its host is serving.
     *
     * <p>Errors: {@link ShimException} when a socket cannot be opened; nothing is left open then. IPv6 is left out where the
     * namespace has none.
     *
     * @param netns owned by the result, or closed when this fails
     */
    public static DnsProxy start(ProxyHost host, DnsWorld world, PodIdentity identity, PodNetns netns)
            throws ShimException {
        List<Opened> opened = new ArrayList<>();
        try {
            SocketConfig sockets = world.config().proxy().sockets();
            for (IpPort at : addresses(world.config())) {
                Opened pair = open(host.sockets(), sockets, netns, at);
                if (pair != null) {
                    opened.add(pair);
                }
            }
            DnsProxy proxy = new DnsProxy(host, world, identity, netns);
            opened.forEach(pair -> proxy.serve(host, identity, pair));
            return proxy;
        } catch (ShimException | RuntimeException e) {
            for (Opened pair : opened) {
                Fds.close(pair.udp());
                Fds.close(pair.tcp());
            }
            netns.close();
            throw e;
        }
    }

    private static List<IpPort> addresses(AgentConfig config) {
        IpPort chosen = config.proxy().dns().address();
        if (chosen != null) {
            return List.of(chosen);
        }
        IpPort v4 = new IpPort(IpAddress.V4_LOOPBACK, DnsConfig.PORT_DEFAULT);
        IpPort v6 = new IpPort(IpAddress.V6_LOOPBACK, DnsConfig.PORT_DEFAULT);
        return config.proxy().sockets().ipv6() ? List.of(v4, v6) : List.of(v4);
    }

    /** Null where the namespace has no such address because it has no IPv6. */
    private static @Nullable Opened open(SocketFactory factory, SocketConfig sockets, PodNetns netns, IpPort at)
            throws ShimException {
        int udp = -1;
        try {
            udp = factory.bindUdp(
                    netns,
                    new UdpSpec(at.ip().high(), at.ip().low(), at.port(), sockets.portReuse(), sockets.packetMark()));
            int tcp = factory.listenTcp(
                    netns,
                    new ListenSpec(
                            at.ip().high(),
                            at.ip().low(),
                            at.port(),
                            BACKLOG,
                            ListenSpec.Transparency.NEVER,
                            sockets.portReuse(),
                            sockets.packetMark()));
            return new Opened(at, udp, tcp);
        } catch (ShimException e) {
            Fds.close(udp);
            boolean absent = e.is(Errno.EADDRNOTAVAIL) || e.is(Errno.EAFNOSUPPORT);
            if (absent && at.ip().equals(IpAddress.V6_LOOPBACK)) {
                return null;
            }
            throw e;
        }
    }

    private void serve(ProxyHost host, PodIdentity identity, Opened pair) {
        DnsPodLoop on = on(host.loops().next());
        UdpServer udp = new UdpServer(pair.udp(), pair.at(), on.loop(), on.resolver());
        udpServers.add(udp);
        host.whenServing(udp::start);
        ListeningSocket tcp =
                new ListeningSocket("DNS listener of " + identity.name(), pair.tcp(), host.loops(), this::accepted);
        tcpListeners.add(tcp);
        host.whenServing(tcp::start);
    }

    private void accepted(DataLoop loop, int fd, InetSocketAddress peer) {
        on(loop).accept(TcpSocket.adopt(loop, fd, peer));
    }

    private DnsPodLoop on(DataLoop loop) {
        DnsPodLoop podLoop = podLoops.get(loop);
        if (podLoop == null) {
            throw new IllegalStateException("the pod is not on this loop");
        }
        return podLoop;
    }

    /** Names as the pod itself would have them resolved, on one loop; until the proxy is closed. */
    public PodNames names(DataLoop loop) {
        return new ResolvedNames(on(loop).resolver());
    }

    @Override
    public PodNetns netns() {
        return netns;
    }

    @Override
    public CompletableFuture<List<ConnectionView>> views() {
        return CompletableFuture.completedFuture(List.of());
    }

    /** Takes no new queries; those under way are answered. The task runs once none is, on some loop. */
    @Override
    public void drain(Runnable emptied) {
        udpServers.forEach(UdpServer::drain);
        CompletableFuture<?>[] finished =
                tcpListeners.stream().map(ListeningSocket::finish).toArray(CompletableFuture[]::new);
        CompletableFuture<Void> _ = CompletableFuture.allOf(finished)
                .thenCompose(_ -> CompletableFuture.allOf(podLoops.values().stream()
                        .map(podLoop -> CompletableFuture.runAsync(podLoop::drain, podLoop.loop()::execute))
                        .toArray(CompletableFuture[]::new)))
                .thenRun(() -> pod.whenEmpty(emptied));
    }

    /** Ends everything at once; queries under way stay without an answer. */
    @Override
    public CompletableFuture<Void> close(CloseReason reason) {
        tcpListeners.forEach(ListeningSocket::close);
        udpServers.forEach(UdpServer::close);
        CompletableFuture<?>[] ended = podLoops.values().stream()
                .map(podLoop -> CompletableFuture.runAsync(podLoop::close, podLoop.loop()::execute))
                .toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(ended).whenComplete((_, _) -> netns.close());
    }
}
