package io.culvert.agent;

import io.culvert.agent.admin.AdminServer;
import io.culvert.agent.admin.AgentView;
import io.culvert.agent.admin.ConfigDump;
import io.culvert.agent.admin.MetricsServer;
import io.culvert.agent.admin.ReadinessServer;
import io.culvert.agent.base.Alarm;
import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Drain;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.base.LoopPulse;
import io.culvert.agent.base.Readiness;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CaClient;
import io.culvert.agent.certs.CallGate;
import io.culvert.agent.certs.CertificateKeeper;
import io.culvert.agent.certs.CertificateStatus;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.AgentConfigLoader;
import io.culvert.agent.config.MeshConfig;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.PodSource;
import io.culvert.agent.dns.DnsProxy;
import io.culvert.agent.dns.DnsWorld;
import io.culvert.agent.dns.NameServers;
import io.culvert.agent.hbone.TlsTransport;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.pods.Capture;
import io.culvert.agent.pods.LocalPods;
import io.culvert.agent.pods.PodNamespace;
import io.culvert.agent.pods.UnusedIdentities;
import io.culvert.agent.pods.WantedPod;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.PodNames;
import io.culvert.agent.proxy.PodProxy;
import io.culvert.agent.proxy.ProxyHost;
import io.culvert.agent.proxy.ProxyWorld;
import io.culvert.agent.resolve.HostnameResolver;
import io.culvert.agent.resolve.SystemLookup;
import io.culvert.agent.route.Router;
import io.culvert.agent.route.RouterSettings;
import io.culvert.agent.telemetry.CertificateState;
import io.culvert.agent.telemetry.LoopMetrics;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.ProcessMetrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.agent.telemetry.log.Logging;
import io.culvert.agent.tls.KernelTlsSupport;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.agent.zds.ZdsClient;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.control.ca.CaException;
import io.culvert.control.local.LocalConfig;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.workload.Workload;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.ShimSelfTest;
import io.culvert.shim.SocketFactory;
import io.netty.channel.Channel;
import io.netty.handler.ssl.OpenSsl;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Puts the agent together, with plain constructors, and takes it apart again.
 *
 * <p>Owns: everything of the process.
 */
final class Wiring {
    private static final System.Logger LOG = System.getLogger(Wiring.class.getName());
    private static final int CA_CALLS_MAX = 8;
    private static final Duration LOOK_AT_FILES = Duration.ofSeconds(2);
    /** What the JVM allows; the loops' buffers are three quarters, the rest is scratch and whatever else needs some. */
    private static final long DIRECT_BYTES_MAX = PlatformDependent.estimateMaxDirectMemory();

    private static final long BUFFER_BYTES_MAX = DIRECT_BYTES_MAX / 4 * 3;
    private static final long LOOP_BUFFER_BYTES_MIN = 1L << 20;

    private static final Duration HTTP_STOP = Duration.ofSeconds(1);

    private final AgentConfig config;
    private final Logging logging;
    private final Drain drain = new Drain(Alarm.SYSTEM);
    private final ScheduledExecutorService housekeeping = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("ctl-housekeeping").factory());
    private final AtomicBoolean quitting = new AtomicBoolean();
    private final LoopGroup loops;
    private final CertificateStore certificates;
    private final Metrics metrics;
    private final Uplinks uplinks;
    private final SystemLookup hostnames;
    private final MeshFeed meshFeed;
    private final ZdsClient handOver;
    private final AtomicBoolean takingOver = new AtomicBoolean();
    private final AdminServer admin;
    private final MetricsServer metricsServer;
    private final ReadinessServer readinessServer;

    private Wiring(AgentConfigLoader.Loaded loaded, Logging logging)
            throws IOException, ShimException, RedirectException, CaException {
        this.config = loaded.config();
        this.logging = logging;
        Ahead<Capture> capture = Ahead.begin(
                "ctl-capture",
                () -> config.podSource() == PodSource.MESH_FILE ? RedirectCapture.detect(config) : Capture.NONE);
        LocalConfig given = GivenMesh.read(config);
        InstantSource clock = InstantSource.system();
        LocalCa ownAuthority = config.mesh().authority() instanceof MeshConfig.CaDirectory(var path)
                ? LocalCa.open(path, clock)
                : null;
        Readiness readiness = new Readiness();
        Runnable meshReady = readiness.begin("state manager");
        BuildVersion version = BuildVersion.current();
        metrics = new Metrics(config.process().buildTag(), version);
        ProcessMetrics.addTo(metrics, logging::droppedLines);
        Libraries.require();
        requirePrivileges();
        int threads = config.process().workerThreads();
        loops = LoopGroup.start(threads, bufferBytesPerLoop(threads));
        LoopMetrics.addTo(metrics, loops);
        loops.onUnexpectedEnd(this::giveUp);
        LoopPulse pulse = new LoopPulse(loops.loops(), readiness, Ticker.SYSTEM);
        KernelTlsSupport kernelTls = config.tls().kernel() ? KernelTlsSupport.probe() : KernelTlsSupport.OFF;
        LOG.log(System.Logger.Level.INFO, () -> "kernel TLS: " + kernelTls.status());
        TlsProfile tls = TlsProfile.of(config.tls(), kernelTls);
        uplinks = new Uplinks(config, tls);
        CaClient ca = ownAuthority == null ? remoteAuthority() : ownAuthority;
        CrlStore crl = config.mesh().crl() == null
                ? CrlStore.none()
                : CrlStore.of(config.mesh().crl());
        certificates = new CertificateStore(new CertificateKeeper.Surroundings(
                ca,
                config.mesh().certificateTtl(),
                clock,
                Ticker.SYSTEM,
                () -> ThreadLocalRandom.current().nextDouble(),
                new CallGate(CA_CALLS_MAX),
                crl,
                tls));
        MeshStore mesh = new MeshStore(GivenMesh.snapshot(config, given));
        hostnames = new SystemLookup(config.proxy().sockets().ipv6());
        // Its own pod alone is taken on before anything is known of the mesh.
        CompletableFuture<Void> serving = config.podSource() == PodSource.OWN_NAMESPACE
                ? new CompletableFuture<>()
                : CompletableFuture.completedFuture(null);
        Runnable becameReady = () -> meshIsKnown(meshReady, serving);
        ControlPlaneMesh controlPlane = controlPlane(mesh, becameReady);
        ProxyWorld world = new ProxyWorld(
                config,
                mesh,
                controlPlane == null ? MeshDemand.NONE : controlPlane.demand(),
                new Router(() -> ThreadLocalRandom.current().nextLong(), routerSettings()),
                new HostnameResolver(
                        hostnames,
                        Ticker.SYSTEM,
                        () -> ThreadLocalRandom.current().nextLong()),
                certificates,
                crl,
                TlsTransport.FACTORY,
                new Telemetry(metrics, Ticker.SYSTEM, config.log().policyDecisions()),
                clock);
        ProxyHost host = new ProxyHost(loops, SocketFactory.open(), serving);
        LocalPods pods = new LocalPods(
                starter(host, world),
                metrics,
                new UnusedIdentities(certificates, identity -> identityOf(identity.in(mesh.current()))),
                capture.get(),
                readiness,
                Ticker.SYSTEM);
        handOver = new ZdsClient(
                config.node().podsSocket(),
                pods,
                ZdsClient.Cadence.DEFAULT,
                () -> ThreadLocalRandom.current().nextDouble(),
                fatal -> giveUp(fatal.sentence()));
        meshFeed = controlPlane == null ? localMesh(certified(ca), mesh, pods, clock, becameReady) : controlPlane;
        AgentView agent =
                new AgentView(config.node().role(), config.process().workerThreads(), kernelTls.status(), versions());
        ConfigDump dump = new ConfigDump(
                new AgentDump(mesh, GivenMesh.view(given), certificates, pods, meshFeed::file, agent),
                loaded.settings(),
                version);
        readinessServer = new ReadinessServer(config.ports().readiness(), readiness);
        metricsServer = new MetricsServer(config.ports().stats(), metrics);
        admin = new AdminServer(config.ports().admin(), dump, logging, this::quit);
        pods.start(drain);
        NodeConfig.PodNames own = config.node().ownPod();
        if (own != null
                && config.podSource() == PodSource.PODS_SOCKET
                && config.proxy().enabled()) {
            OwnPodService.start(host, world, own, drain);
        }
        NodeConfig.PodNames only = config.node().dedicatedTo();
        if (only != null) {
            serveOwnNamespace(pods, only);
        }
        every(Duration.ofSeconds(1), pulse::look);
        every(Duration.ofSeconds(1), this::countCertificates);
        every(LOOK_AT_FILES, crl::look);
        if (ownAuthority != null) {
            every(LOOK_AT_FILES, () -> ownAuthority.look(certificates));
        }
        meshFeed.start();
    }

    /** Starts the agent; it runs until {@link #stop}. */
    static Wiring start(AgentConfigLoader.Loaded loaded, Logging logging)
            throws IOException, ShimException, RedirectException, CaException {
        return new Wiring(loaded, logging);
    }

    private CaClient remoteAuthority() {
        return switch (config.mesh().authority()) {
            case MeshConfig.CaServer(var server) -> uplinks.authority(server);
            case MeshConfig.CaDirectory directory -> throw new IllegalStateException("a directory is not remote");
        };
    }

    /** Of which trust domain certificates are; an authority that is asked over the network says so with each. */
    private TrustDomain certified(CaClient ca) {
        return ca instanceof LocalCa local ? local.trustDomain() : config.node().trustDomain();
    }

    /** In file mode the file says which pods are wanted too; under a control plane whoever hands over pods does. */
    private MeshFeed localMesh(
            TrustDomain certified, MeshStore mesh, LocalPods pods, InstantSource clock, Runnable becameReady) {
        return switch (config.mesh().source()) {
            case MeshConfig.MeshFile file ->
                new FileMesh(
                        config,
                        file,
                        certified,
                        mesh,
                        config.podSource() == PodSource.MESH_FILE ? pods::want : (own, elsewhere) -> {},
                        certificates,
                        metrics,
                        clock,
                        becameReady);
            case MeshConfig.Alone alone -> new LoneMesh(config.node(), mesh, certificates, becameReady);
            case MeshConfig.ControlPlane plane -> throw new IllegalStateException("a control plane is not local");
        };
    }

    private @Nullable ControlPlaneMesh controlPlane(MeshStore mesh, Runnable becameReady) {
        return config.mesh().source() instanceof MeshConfig.ControlPlane plane
                ? new ControlPlaneMesh(config.node(), plane, uplinks, mesh, certificates, metrics, becameReady)
                : null;
    }

    /** What the agent must be allowed to do, tried now rather than with the first pod's traffic. */
    private void requirePrivileges() throws IOException, ShimException {
        int mark = config.proxy().sockets().packetMark();
        List<ShimSelfTest.Finding> findings =
                config.podSource() == PodSource.OWN_NAMESPACE ? ShimSelfTest.runAtHome(mark) : ShimSelfTest.run(mark);
        if (!findings.isEmpty()) {
            throw new IOException("the kernel refuses what the agent needs: "
                    + findings.stream().map(ShimSelfTest.Finding::toString).collect(Collectors.joining("; ")));
        }
    }

    private static @Nullable SpiffeId identityOf(@Nullable Workload workload) {
        return workload == null ? null : workload.identityOrNull();
    }

    private static long bufferBytesPerLoop(int threads) throws IOException {
        long bytes = BUFFER_BYTES_MAX / threads;
        if (bytes < LOOP_BUFFER_BYTES_MIN) {
            throw new IOException("the JVM's " + (DIRECT_BYTES_MAX >> 20) + " MiB of direct memory are too little for "
                    + threads + " worker threads: raise -XX:MaxDirectMemorySize");
        }
        return bytes;
    }

    /** The agent is there for this pod alone: without it there is nothing to start. */
    private static void serveOwnNamespace(LocalPods pods, NodeConfig.PodNames only) throws IOException, ShimException {
        String name = only.namespace() + "/" + only.name();
        PodIdentity identity = new PodIdentity(name, only.name(), only.namespace(), only.serviceAccount());
        WantedPod pod = new WantedPod(identity, new PodNamespace.Handed(PodNetns.current()));
        String problem = pods.add(pod).join();
        if (!problem.isEmpty()) {
            throw new IOException("pod " + name + ", whose network namespace this is, cannot be served: " + problem);
        }
        String _ = pods.allNamed().join();
    }

    /**
     * Pods are taken over, and their connections, only once something is known of the mesh, or they would be
     * cut off from it.
     */
    private void meshIsKnown(Runnable ready, CompletableFuture<Void> serving) {
        boolean _ = serving.complete(null);
        ready.run();
        if (config.podSource() == PodSource.PODS_SOCKET && takingOver.compareAndSet(false, true)) {
            handOver.start();
        }
    }

    /** How a pod is begun to be served: with a proxy for connections, one for DNS, or both. */
    private LocalPods.Starter starter(ProxyHost host, ProxyWorld world) {
        if (!config.answersNames()) {
            return (identity, netns) -> PodProxy.start(host, world, identity, netns, loop -> PodNames.NONE);
        }
        NameServers servers = NameServers.read(config.proxy().dns().resolvConf());
        every(LOOK_AT_FILES, servers::reload);
        DnsWorld dnsWorld = new DnsWorld(config, world.mesh(), metrics, servers, unpredictable());
        return config.proxy().enabled()
                ? (identity, netns) -> PodServing.start(host, world, dnsWorld, identity, netns)
                : (identity, netns) -> DnsProxy.start(host, dnsWorld, identity, netns);
    }

    /** Seeded once and then computed, so that a loop never waits for the kernel's randomness. */
    private static SecureRandom unpredictable() {
        try {
            return SecureRandom.getInstance("DRBG");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has it", e);
        }
    }

    private RouterSettings routerSettings() {
        return new RouterSettings(
                config.node().network(),
                config.ports().outbound(),
                config.ports().passthrough(),
                config.ports().inbound(),
                config.ports().socks(),
                config.proxy().hbone().localhostAppTunnel());
    }

    private static Map<String, String> versions() {
        return Map.of(
                "java",
                Runtime.version().toString(),
                "netty",
                // As its jar says, since what it offers for that reads a file of each of its jars.
                String.valueOf(Channel.class.getPackage().getImplementationVersion()),
                "tls",
                String.valueOf(OpenSsl.versionString()));
    }

    /** Runs a task again and again on the housekeeping thread; what it throws is logged, and it goes on. */
    private void every(Duration pause, Runnable task) {
        ScheduledFuture<?> _ = housekeeping.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        LOG.log(System.Logger.Level.ERROR, "housekeeping failed", e);
                    }
                },
                pause.toMillis(),
                pause.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void countCertificates() {
        List<CertificateStatus> statuses = certificates.statuses();
        for (CertificateState state : CertificateState.values()) {
            metrics.certificates(state, (int) statuses.stream()
                    .filter(status -> AgentDump.stateOf(status) == state)
                    .count());
        }
        statuses.stream()
                .map(CertificateStatus::material)
                .filter(material -> material != null)
                .map(TlsMaterial::notAfter)
                .min(Instant::compareTo)
                .ifPresent(metrics::earliestCertificateExpiry);
    }

    /** Half an agent is worse than none: whoever started it starts another, and the redirect rules stay meanwhile. */
    private void giveUp(String why) {
        LOG.log(System.Logger.Level.ERROR, () -> "the agent cannot go on and ends at once: " + why);
        logging.close();
        Runtime.getRuntime().halt(CulvertAgent.FAILED);
    }

    /** Begins a graceful end; returns at once. */
    void quit() {
        if (quitting.compareAndSet(false, true)) {
            Thread.ofPlatform().name("ctl-quit").start(() -> System.exit(0));
        }
    }

    /** Drains, then lets go of everything; returns when that is done, at the latest soon after the deadline. */
    void stop() {
        Duration deadline = config.process().drainDeadline();
        LOG.log(System.Logger.Level.INFO, () -> "draining for at most " + deadline.toSeconds() + " s");
        handOver.close();
        readinessServer.stop(HTTP_STOP);
        drain.start(deadline);
        Drain.Outcome outcome = drain.done().join();
        LOG.log(
                System.Logger.Level.INFO,
                () -> outcome == Drain.Outcome.GRACEFUL
                        ? "drained: every connection ended by itself"
                        : "the deadline passed: connections that were still open were cut");
        // Only now: what is open while the agent drains is judged by policies as they come.
        meshFeed.close();
        admin.stop(HTTP_STOP);
        metricsServer.stop(HTTP_STOP);
        housekeeping.shutdownNow();
        certificates.close();
        hostnames.close();
        uplinks.close();
        boolean ended = loops.shutdown().awaitUninterruptibly(2, TimeUnit.SECONDS);
        LOG.log(System.Logger.Level.DEBUG, () -> "loops ended: " + ended);
        logging.close();
    }
}
