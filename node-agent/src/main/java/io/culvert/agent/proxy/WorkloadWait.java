package io.culvert.agent.proxy;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.route.RouteNeeds;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Workload;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Waits a bounded time for the mesh to know a pod of this node: a pod may be running before its record arrives.
 *
 * <p>Runs on: its loop. Bounds: {@link #PATIENCE_NANOS}.
 */
final class WorkloadWait {
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Loop loop;
    private final MeshStore mesh;
    private final PodIdentity pod;
    private final BiConsumer<MeshSnapshot, @Nullable Workload> then;
    private MeshStore.@Nullable Registration registration;
    private final Deadline deadline = new Deadline();
    private boolean over;

    private WorkloadWait(
            Loop loop, MeshStore mesh, PodIdentity pod, BiConsumer<MeshSnapshot, @Nullable Workload> then) {
        this.loop = loop;
        this.mesh = mesh;
        this.pod = pod;
        this.then = then;
    }

    /**
     * Calls back once with the snapshot and the pod's workload in it, at once if it is known; with null when it did not
     * become known in time.
     *
     * @param own an address of the pod, by which the control plane is asked for it where it has to be
     */
    static void await(
            PodLoop podLoop,
            OpenConnection connection,
            IpAddress own,
            BiConsumer<MeshSnapshot, @Nullable Workload> step) {
        BiConsumer<MeshSnapshot, @Nullable Workload> then =
                (snapshot, known) -> connection.attempt(() -> step.accept(snapshot, known));
        MeshStore mesh = podLoop.pod().world().mesh();
        MeshSnapshot snapshot = mesh.current();
        Workload known = podLoop.pod().identity().in(snapshot);
        if (known != null) {
            then.accept(snapshot, known);
            return;
        }
        new WorkloadWait(podLoop.loop(), mesh, podLoop.pod().identity(), then).begin();
        ask(podLoop.pod().world(), own);
    }

    /** Whatever the answer is, it is published. */
    private static void ask(ProxyWorld world, IpAddress own) {
        String name = RouteNeeds.nameOf(world.config().node().network(), own);
        if (world.demand().isActive() && name != null && !world.demand().isAbsent(name)) {
            Runnable _ = world.demand().ask(name, () -> {});
        }
    }

    private void begin() {
        deadline.start(loop, () -> finish(mesh.current(), null), PATIENCE_NANOS);
        look();
    }

    private void look() {
        if (over) {
            return;
        }
        // Registered before looked at, so that no publication falls between the two.
        registration = mesh.onNextPublish(() -> loop.execute(this::look));
        MeshSnapshot snapshot = mesh.current();
        Workload known = pod.in(snapshot);
        if (known != null) {
            finish(snapshot, known);
        }
    }

    private void finish(MeshSnapshot snapshot, @Nullable Workload known) {
        if (over) {
            return;
        }
        over = true;
        MeshStore.Registration waiting = registration;
        if (waiting != null) {
            waiting.close();
        }
        deadline.cancel();
        then.accept(snapshot, known);
    }
}
