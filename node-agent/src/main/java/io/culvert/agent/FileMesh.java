package io.culvert.agent;

import io.culvert.agent.admin.MeshFileView;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.MeshConfig;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.pods.PodNamespace;
import io.culvert.agent.pods.WantedPod;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.control.file.LocalPod;
import io.culvert.control.file.MeshFile;
import io.culvert.control.file.MeshFileError;
import io.culvert.control.file.MeshFileSource;
import io.culvert.control.file.MeshFileUpdate;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * File mode: what a {@code mesh.yaml} says becomes the mesh, and its pods of this node become the wanted ones. A bad file
 * changes nothing but its own report.
 *
 * <p>Runs on: the file source's thread. Owns: the file source.
 */
final class FileMesh implements MeshFeed {
    private static final System.Logger LOG = System.getLogger(FileMesh.class.getName());

    private final Path file;
    private final NodeConfig node;
    private final MeshStore mesh;
    private final BiConsumer<List<WantedPod>, List<PodNamespace>> onPods;
    private final CertificateStore certificates;
    private final Metrics metrics;
    private final Runnable becameReady;
    private final MeshFileSource source;
    private volatile MeshFileView view;

    /** @param onPods told of this node's pods, and where those of other nodes are */
    FileMesh(
            AgentConfig config,
            MeshConfig.MeshFile source,
            TrustDomain certified,
            MeshStore mesh,
            BiConsumer<List<WantedPod>, List<PodNamespace>> onPods,
            CertificateStore certificates,
            Metrics metrics,
            InstantSource clock,
            Runnable becameReady) {
        this.file = source.path();
        this.node = config.node();
        this.mesh = mesh;
        this.onPods = onPods;
        this.certificates = certificates;
        this.metrics = metrics;
        this.becameReady = becameReady;
        this.view = new MeshFileView(file, "", null);
        this.source = new MeshFileSource(
                file, MeshFileSource.Cadence.DEFAULT, settings(config.node()), certified, clock, this::onUpdate);
    }

    /** What the file leaves open is as this agent's own settings have it. */
    private static MeshFile.Settings settings(NodeConfig node) {
        return new MeshFile.Settings(
                node.trustDomain(), node.network(), node.clusterId(), MeshFile.Settings.DEFAULT.rootNamespace());
    }

    /** Reads the file and begins to watch it; a bad one is waited out. */
    @Override
    public void start() {
        MeshFileUpdate first = source.start();
        LOG.log(System.Logger.Level.DEBUG, () -> "mesh file read first at " + first.at());
    }

    private void onUpdate(MeshFileUpdate update) {
        switch (update) {
            case MeshFileUpdate.Loaded loaded -> apply(loaded);
            case MeshFileUpdate.Rejected rejected -> report(rejected);
        }
    }

    private void apply(MeshFileUpdate.Loaded loaded) {
        MeshFile said = loaded.mesh();
        try {
            mesh.publish(mesh.current().toBuilder()
                    .workloads(said.workloads())
                    .services(said.services())
                    .policies(said.policies())
                    .policiesComplete()
                    .build());
        } finally {
            // It is in force also when one who was told of it failed.
            tellOfPods(said);
        }
        view = new MeshFileView(file, loaded.version(), null);
        metrics.configApplied(loaded.at());
        LOG.log(
                System.Logger.Level.INFO,
                () -> "mesh file " + file + " version " + loaded.version() + " is in force: "
                        + said.workloads().size() + " workloads, "
                        + said.services().size() + " services, "
                        + said.policies().size() + " policies");
        for (MeshProblem problem : mesh.current().problems()) {
            LOG.log(System.Logger.Level.WARNING, () -> "mesh: " + problem.subject() + ": " + problem.sentence());
        }
        becameReady.run();
    }

    private void tellOfPods(MeshFile said) {
        if (node.dedicatedTo() == null) {
            onPods.accept(wanted(said), elsewhere(said));
        } else {
            certificates.expect(ControlPlaneMesh.expected(mesh.current(), node));
        }
    }

    private List<WantedPod> wanted(MeshFile said) {
        Map<WorkloadUid, Workload> byUid =
                said.workloads().stream().collect(Collectors.toMap(Workload::uid, Function.identity()));
        List<LocalPod> local = said.localPods().stream()
                .filter(pod -> pod.node().equals(node.name()))
                .toList();
        for (LocalPod pod : local) {
            Workload workload = byUid.get(pod.workload());
            if (workload != null) {
                certificates.track(workload.identity());
            }
        }
        return local.stream()
                .map(pod -> wanted(pod, byUid.get(pod.workload())))
                .filter(pod -> pod != null)
                .toList();
    }

    private List<PodNamespace> elsewhere(MeshFile said) {
        return said.localPods().stream()
                .filter(pod -> !pod.node().equals(node.name()))
                .<PodNamespace>map(pod -> new PodNamespace.Mounted(pod.netns()))
                .toList();
    }

    private static @Nullable WantedPod wanted(LocalPod pod, @Nullable Workload workload) {
        return workload == null
                ? null
                : new WantedPod(
                        new PodIdentity(pod.uid(), workload.name(), workload.namespace(), workload.serviceAccount()),
                        new PodNamespace.Mounted(pod.netns()));
    }

    private void report(MeshFileUpdate.Rejected rejected) {
        String all = rejected.errors().stream().map(MeshFileError::toString).collect(Collectors.joining("; "));
        view = new MeshFileView(file, view.version(), all);
        metrics.configRefused();
        LOG.log(
                System.Logger.Level.ERROR,
                () -> "mesh file refused, "
                        + (view.version().isEmpty() ? "nothing is in force" : "the last good one stays") + ": " + all);
    }

    @Override
    public MeshFileView file() {
        return view;
    }

    @Override
    public void close() {
        source.close();
    }
}
