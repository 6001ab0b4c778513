package io.culvert.agent.proxy;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Waits a bounded time for what a route needs and the mesh does not know, where the control plane tells only what it is asked
 * for. Whoever does not get an answer in time goes where what is known leads.
 *
 * <p>Runs on: its loop. Bounds: {@link #PATIENCE_NANOS} in all, {@link #ROUNDS_MAX} rounds, since an answer may name what is not
 * known either; {@link PodLoop#takeAskingPlace} of a pod at once.
 */
final class DemandWait {
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    static final int ROUNDS_MAX = 4;

    private final PodLoop podLoop;
    private final OpenConnection connection;
    private final BiFunction<MeshSnapshot, Workload, List<String>> missing;
    private final BiConsumer<MeshSnapshot, @Nullable Workload> then;
    private final Deadline deadline = new Deadline();
    private final Set<String> asked = new HashSet<>();
    private final List<Runnable> withdraw = new ArrayList<>();
    private int outstanding;
    private int rounds;
    private boolean over;

    private DemandWait(
            PodLoop podLoop,
            OpenConnection connection,
            BiFunction<MeshSnapshot, Workload, List<String>> missing,
            BiConsumer<MeshSnapshot, @Nullable Workload> then) {
        this.podLoop = podLoop;
        this.connection = connection;
        this.missing = missing;
        this.then = then;
    }

    /**
     * Calls back once, before this returns if nothing has to be asked for, with the snapshot of that moment and the pod's
     * workload in it.
     *
     * @param missing names what is not known
     * @return ends the wait without a further word
     */
    static Runnable await(
            PodLoop podLoop,
            OpenConnection connection,
            BiFunction<MeshSnapshot, Workload, List<String>> missing,
            BiConsumer<MeshSnapshot, @Nullable Workload> then) {
        DemandWait wait = new DemandWait(podLoop, connection, missing, then);
        wait.look();
        return wait::end;
    }

    private MeshDemand demand() {
        return podLoop.pod().world().demand();
    }

    private void look() {
        MeshSnapshot snapshot = podLoop.pod().world().mesh().current();
        Workload self = podLoop.pod().identity().in(snapshot);
        List<String> names = self == null || rounds++ >= ROUNDS_MAX ? List.of() : unasked(snapshot, self);
        if (names.isEmpty()) {
            finish(snapshot, self);
            return;
        }
        if (!deadline.isSet()) {
            if (!podLoop.takeAskingPlace()) {
                over = true;
                connection.close(CloseReason.LIMIT_REACHED, "the pod waits for as many answers as it may");
                return;
            }
            deadline.start(podLoop.loop(), this::giveUp, PATIENCE_NANOS);
        }
        outstanding = names.size();
        for (String name : names) {
            // The answer may come at once, on this thread: it counts only once all are asked for.
            withdraw.add(demand().ask(name, () -> podLoop.loop().execute(() -> connection.attempt(this::answered))));
        }
    }

    private List<String> unasked(MeshSnapshot snapshot, Workload self) {
        List<String> names = new ArrayList<>();
        for (String name : missing.apply(snapshot, self)) {
            if (!demand().isAbsent(name) && asked.add(name)) {
                names.add(name);
            }
        }
        return names;
    }

    private void answered() {
        if (!over && --outstanding == 0) {
            withdraw.clear();
            look();
        }
    }

    private void giveUp() {
        MeshSnapshot snapshot = podLoop.pod().world().mesh().current();
        connection.attempt(() -> finish(snapshot, podLoop.pod().identity().in(snapshot)));
    }

    private void finish(MeshSnapshot snapshot, @Nullable Workload self) {
        if (!over) {
            end();
            then.accept(snapshot, self);
        }
    }

    private void end() {
        over = true;
        if (deadline.isSet()) {
            deadline.cancel();
            podLoop.giveAskingPlaceBack();
        }
        withdraw.forEach(Runnable::run);
        withdraw.clear();
    }
}
