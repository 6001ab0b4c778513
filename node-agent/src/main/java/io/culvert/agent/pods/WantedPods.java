package io.culvert.agent.pods;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which pods are wanted, and who waits for what has become of them.
 *
 * <p>Runs on: any. Owns: the namespaces' handles. One that is not wanted any more is closed after the look that notices, so that
 * no look ever uses a closed one.
 *
 * <p>Bounds: {@link #PODS_MAX} pods.
 */
final class WantedPods {
    static final int PODS_MAX = 4_096;
    private static final String TOO_MANY = "there are more than " + PODS_MAX + " pods on this node";
    private static final String STOPPING = "the agent is stopping";

    /**
     * What one look works towards.
     *
     * @param target the pods, by uid
     * @param elsewhere the namespaces of other nodes' pods, as far as they are known
     * @param waiting told once the look is over
     * @param unwanted closed once the look is over
     */
    record Look(
            Map<String, WantedPod> target,
            List<PodNamespace> elsewhere,
            List<Waiting> waiting,
            List<PodNamespace> unwanted) {}

    /** Somebody who waits for a pod to be looked at. */
    record Waiting(String uid, CompletableFuture<String> outcome) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, WantedPod> wanted = new LinkedHashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private final List<PodNamespace> unwanted = new ArrayList<>();
    private List<PodNamespace> elsewhere = List.of();
    private boolean begun;
    private boolean looked;
    private boolean stopping;

    /** Makes these all that are wanted; each uid once. */
    void replace(List<WantedPod> all, List<PodNamespace> others) {
        lock.lock();
        try {
            elsewhere = List.copyOf(others);
            Map<String, WantedPod> before = new LinkedHashMap<>(wanted);
            wanted.clear();
            all.forEach(pod -> wanted.put(pod.uid(), pod));
            before.values().stream()
                    .filter(pod -> !pod.equals(wanted.get(pod.uid())))
                    .forEach(pod -> unwanted.add(pod.netns()));
            look();
        } finally {
            lock.unlock();
        }
    }

    /** Wants one more; see {@link LocalPods#add}. */
    CompletableFuture<String> put(WantedPod pod, Predicate<WantedPod> isAlike) {
        lock.lock();
        try {
            WantedPod before = wanted.get(pod.uid());
            if (stopping || before == null && wanted.size() >= PODS_MAX) {
                pod.netns().close();
                return CompletableFuture.completedFuture(stopping ? STOPPING : TOO_MANY);
            }
            if (before != null && isAlike.test(before)) {
                pod.netns().close();
            } else {
                wanted.put(pod.uid(), pod);
                if (before != null) {
                    unwanted.add(before.netns());
                }
            }
            return waitFor(pod.uid());
        } finally {
            lock.unlock();
        }
    }

    /** Wants no more those that the predicate does not hold for. */
    CompletableFuture<String> retain(Predicate<String> kept) {
        lock.lock();
        try {
            for (String uid : List.copyOf(wanted.keySet())) {
                WantedPod gone = kept.test(uid) ? null : wanted.remove(uid);
                if (gone != null) {
                    unwanted.add(gone.netns());
                }
            }
            return stopping ? CompletableFuture.completedFuture(STOPPING) : waitFor("");
        } finally {
            lock.unlock();
        }
    }

    private CompletableFuture<String> waitFor(String uid) {
        CompletableFuture<String> outcome = new CompletableFuture<>();
        waiting.add(new Waiting(uid, outcome));
        look();
        return outcome;
    }

    private void look() {
        begun = true;
        looked = false;
        changed.signalAll();
    }

    /**
     * What to work towards: at once when it changed, else after so many pauses; null when it is over.
     *
     * @param meanwhile runs after each pause
     */
    @Nullable
    Look next(long pauseNanos, int pauses, Runnable meanwhile) throws InterruptedException {
        for (int i = 0; i < pauses && !changeWithin(pauseNanos); i++) {
            meanwhile.run();
        }
        lock.lock();
        try {
            looked = true;
            if (stopping) {
                return null;
            }
            Look look = new Look(new LinkedHashMap<>(wanted), elsewhere, List.copyOf(waiting), List.copyOf(unwanted));
            waiting.clear();
            unwanted.clear();
            return look;
        } finally {
            lock.unlock();
        }
    }

    /** Waits at most so long, but in any case until pods are named, whether something changes. */
    private boolean changeWithin(long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            while (!stopping && (looked || !begun) && left > 0) {
                left = changed.awaitNanos(left);
                if (!begun) {
                    left = nanos;
                }
            }
            return stopping || !looked;
        } finally {
            lock.unlock();
        }
    }

    /** Wakes whoever waits in {@link #next}, for the last time. */
    void stop() {
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of every handle, once nobody looks any more. */
    void close() {
        lock.lock();
        try {
            stopping = true;
            wanted.values().forEach(pod -> pod.netns().close());
            wanted.clear();
            unwanted.forEach(PodNamespace::close);
            unwanted.clear();
            waiting.forEach(each -> each.outcome().complete(STOPPING));
            waiting.clear();
        } finally {
            lock.unlock();
        }
    }
}
