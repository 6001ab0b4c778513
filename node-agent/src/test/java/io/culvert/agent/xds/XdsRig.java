package io.culvert.agent.xds;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.NodeMetadata;
import io.culvert.agent.config.Role;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.config.Token;
import io.culvert.agent.fakeplane.FakeControlPlane;
import io.culvert.agent.fakeplane.FakeDiscovery;
import io.culvert.agent.grpc.GrpcLoop;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.Eventually;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client under test, and the control plane that it follows. */
final class XdsRig implements AutoCloseable {
    private static final Duration SOON = Duration.ofSeconds(20);

    private final FakeControlPlane plane;
    private final GrpcLoop loop = new GrpcLoop();
    private final MeshStore store = new MeshStore(MeshSnapshot.empty("node-a"));
    private final Metrics metrics = new Metrics("test", BuildVersion.current());
    private final Path token;
    private volatile boolean ready;
    private @Nullable XdsClient client;

    XdsRig() {
        try {
            plane = FakeControlPlane.start();
            token = Files.createTempFile("token", "");
            writeToken("secret-1");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void writeToken(String text) throws IOException {
        Files.writeString(token, text);
    }

    void start(boolean onDemand) {
        start(onDemand, XdsClient.MESSAGE_BYTES_MAX);
    }

    void start(boolean onDemand, int messageBytesMax) {
        ServerConfig known = plane.config();
        ServerConfig server =
                new ServerConfig(known.host(), known.port(), false, known.rootCa(), "", Map.of("x-extra", "there"));
        ServerLink link = new ServerLink(
                server, TlsProfile.STANDARD, new Token.InFile(token), "cluster-1", loop, messageBytesMax);
        XdsClient made = new XdsClient(
                NodeDescription.of(
                        new NodeConfig(
                                Role.ALL, "node-a", "cluster-1", "", TrustDomain.CLUSTER_LOCAL, Path.of("unused")),
                        new NodeMetadata("ztunnel-x", "istio-system", "192.0.2.7", Map.of(), Map.of())),
                onDemand,
                new XdsClient.Surroundings(link, store, metrics, Ticker.SYSTEM, () -> 0.5),
                () -> ready = true);
        client = made;
        made.start();
    }

    void startAndAwait() {
        start(false);
        Eventually.holds("it is ready", SOON, this::isReady);
    }

    ServerLink link() {
        return new ServerLink(
                plane.config(),
                TlsProfile.STANDARD,
                new Token.InFile(token),
                "cluster-1",
                loop,
                XdsClient.MESSAGE_BYTES_MAX);
    }

    void until(String what, Eventually.Check check) {
        Eventually.passes(what, SOON, check);
    }

    boolean demand(String name) throws Exception {
        return client().demand(name).get(10, TimeUnit.SECONDS);
    }

    XdsClient client() {
        return Objects.requireNonNull(client);
    }

    FakeControlPlane plane() {
        return plane;
    }

    FakeDiscovery discovery() {
        return plane.discovery();
    }

    MeshSnapshot mesh() {
        return store.current();
    }

    /** Runs something whenever a snapshot is published, on the client's thread. */
    MeshStore.Registration onPublish(Runnable action) {
        return store.listen(snapshot -> action.run());
    }

    boolean isReady() {
        return ready;
    }

    double count(Metric metric, String label) {
        MetricSnapshot found = metrics.collect().get(metric);
        return found instanceof CounterSnapshot counters
                ? counters.getDataPoints().stream()
                        .filter(point -> point.getLabels().stream()
                                .anyMatch(each -> each.getValue().equals(label)))
                        .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                        .sum()
                : 0;
    }

    double value(Metric metric) {
        return metrics.collect().get(metric) instanceof GaugeSnapshot gauge
                ? gauge.getDataPoints().getFirst().getValue()
                : Double.NaN;
    }

    @Override
    public void close() {
        if (client != null) {
            client.close();
        }
        plane.close();
        loop.close();
        try {
            Files.delete(token);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
