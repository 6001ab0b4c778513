package io.culvert.agent;

import io.culvert.agent.admin.AgentView;
import io.culvert.agent.admin.CertificateView;
import io.culvert.agent.admin.ConfigDumpSource;
import io.culvert.agent.admin.ConnectionView;
import io.culvert.agent.admin.MeshFileView;
import io.culvert.agent.admin.MeshView;
import io.culvert.agent.admin.PodView;
import io.culvert.agent.certs.CertificateStatus;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.pods.LocalPods;
import io.culvert.agent.pods.ServedPod;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CertificateState;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What {@code /config_dump} shows, gathered from where it lives. */
final class AgentDump implements ConfigDumpSource {
    private static final long CONNECTIONS_WAIT_SECONDS = 2;

    private final MeshStore mesh;
    private final MeshView staticMesh;
    private final CertificateStore certificates;
    private final LocalPods pods;
    private final Supplier<@Nullable MeshFileView> meshFile;
    private final AgentView agent;

    AgentDump(
            MeshStore mesh,
            MeshView staticMesh,
            CertificateStore certificates,
            LocalPods pods,
            Supplier<@Nullable MeshFileView> meshFile,
            AgentView agent) {
        this.mesh = mesh;
        this.staticMesh = staticMesh;
        this.certificates = certificates;
        this.pods = pods;
        this.meshFile = meshFile;
        this.agent = agent;
    }

    @Override
    public MeshView mesh() {
        MeshSnapshot snapshot = mesh.current();
        return new MeshView(
                snapshot.workloads(), snapshot.services(), List.copyOf(snapshot.policies()), snapshot.problems());
    }

    @Override
    public MeshView staticMesh() {
        return staticMesh;
    }

    @Override
    public List<CertificateView> certificates() {
        return certificates.statuses().stream().map(AgentDump::view).toList();
    }

    static CertificateState stateOf(CertificateStatus status) {
        if (status.material() != null) {
            return CertificateState.AVAILABLE;
        }
        return status.problem() == null ? CertificateState.INITIALIZING : CertificateState.UNAVAILABLE;
    }

    private static CertificateView view(CertificateStatus status) {
        TlsMaterial material = status.material();
        String problem = status.problem();
        return new CertificateView(
                status.id(),
                stateOf(status),
                problem == null || material != null ? "" : problem,
                material == null ? List.of() : material.chain(),
                material == null ? List.of() : material.roots());
    }

    @Override
    public List<PodView> pods() {
        return pods.served().stream().map(AgentDump::view).toList();
    }

    private static PodView view(ServedPod pod) {
        ServingProxy proxy = pod.proxy();
        return new PodView(
                pod.wanted().identity().uid(),
                pod.wanted().identity().name(),
                pod.wanted().identity().namespace(),
                pod.wanted().identity().serviceAccount(),
                pod.problem(),
                proxy == null ? List.of() : connections(proxy));
    }

    private static List<ConnectionView> connections(ServingProxy proxy) {
        return proxy.views().completeOnTimeout(List.of(), CONNECTIONS_WAIT_SECONDS, TimeUnit.SECONDS).join().stream()
                .map(view -> new ConnectionView(
                        view.direction(),
                        view.source(),
                        view.originalDestination(),
                        view.actualDestination(),
                        view.carriage()))
                .toList();
    }

    @Override
    public @Nullable MeshFileView meshFile() {
        return meshFile.get();
    }

    @Override
    public AgentView agent() {
        return agent;
    }
}
