package io.culvert.agent.dns;

import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Timer;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Waits a bounded time for the mesh to know a pod: it may ask before its record arrives.
 *
 * <p>Runs on: its loop. Bounds: {@link #PATIENCE_NANOS}; one registration, however many wait.
 */
final class ClientWait {
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Loop loop;
    private final MeshStore mesh;
    private final PodIdentity pod;
    private final Set<Waiter> waiters = new LinkedHashSet<>();
    private MeshStore.@Nullable Registration registration;

    private final class Waiter {
        private final BiConsumer<MeshSnapshot, @Nullable Workload> then;
        private final Timer patience;

        Waiter(BiConsumer<MeshSnapshot, @Nullable Workload> then) {
            this.then = then;
            this.patience = loop.schedule(this::giveUp, PATIENCE_NANOS);
        }

        private void giveUp() {
            if (waiters.remove(this)) {
                then.accept(mesh.current(), null);
            }
        }
    }

    ClientWait(Loop loop, MeshStore mesh, PodIdentity pod) {
        this.loop = loop;
        this.mesh = mesh;
        this.pod = pod;
    }

    /** What the mesh knows of the pod now. */
    @Nullable
    Workload known(MeshSnapshot snapshot) {
        return pod.in(snapshot);
    }

    /** Calls back once, at once if the pod is known; with null when it did not become known in time. */
    void await(BiConsumer<MeshSnapshot, @Nullable Workload> then) {
        MeshSnapshot snapshot = mesh.current();
        Workload client = known(snapshot);
        if (client != null) {
            then.accept(snapshot, client);
            return;
        }
        waiters.add(new Waiter(then));
        if (registration == null) {
            look();
        }
    }

    private void look() {
        if (waiters.isEmpty()) {
            registration = null;
            return;
        }
        // Registered before looked at, so that no publication falls between the two.
        registration = mesh.onNextPublish(() -> loop.execute(this::look));
        MeshSnapshot snapshot = mesh.current();
        Workload client = known(snapshot);
        if (client != null) {
            close();
            List<Waiter> told = new ArrayList<>(waiters);
            waiters.clear();
            told.forEach(waiter -> {
                waiter.patience.cancel();
                waiter.then.accept(snapshot, client);
            });
        }
    }

    /** Ends the registration; who waits is told when its patience ends. */
    void close() {
        MeshStore.Registration held = registration;
        registration = null;
        if (held != null) {
            held.close();
        }
    }
}
