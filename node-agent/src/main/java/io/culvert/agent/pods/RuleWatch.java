package io.culvert.agent.pods;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.Metrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Has the redirect rules of served pods written anew where they are not whole: a firewall tool that empties chains would otherwise
 * let traffic past every policy, unseen.
 *
 * <p>The rules of a pod are looked at soon after the kernel told of a change there; or, under legacy iptables, of which it tells
 * nothing, after a comparison showed one, which every pod is up for every {@link #COMPARE_NANOS}. Each pod has its turn besides. A
 * pod that cannot be watched has only its turns, which come more often then where there are few such pods.
 *
 * <p>Runs on: one control thread. Owns: the watches of served pods, two descriptors each. Bounds: {@link #PODS_PER_LOOK_MAX} pods at
 * each call, {@link #COMPARED_MAX} compared, one look at a pod in {@link WatchedPod#CALM_NANOS} but for its turn: past 240 pods a
 * round takes longer than {@link #ROUND_NANOS}, past 320 a comparison of all longer than {@link #COMPARE_NANOS}.
 */
final class RuleWatch implements AutoCloseable {
    static final int PODS_PER_LOOK_MAX = 4;
    static final int COMPARED_MAX = 64;
    /** In this time every pod has its turn. */
    static final long ROUND_NANOS = TimeUnit.MINUTES.toNanos(1);
    /** Where few pods cannot be watched, their turns come more often than they must. */
    static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

    static final long COMPARE_NANOS = TimeUnit.MILLISECONDS.toNanos(1_250);

    private static final System.Logger LOG = System.getLogger(RuleWatch.class.getName());
    private static final int REASONS_MAX = 4;

    private final Capture capture;
    private final Metrics metrics;
    private final Ticker ticker;
    private final Turns turns;
    private final Turns unwatchedTurns;
    private final Turns comparisons;
    private final NavigableMap<String, WatchedPod> pods = new TreeMap<>();
    private boolean toldOfUnwatched;

    RuleWatch(Capture capture, Metrics metrics, Ticker ticker) {
        this.capture = capture;
        this.metrics = metrics;
        this.ticker = ticker;
        this.turns = new Turns(ticker, ROUND_NANOS, ROUND_NANOS);
        this.unwatchedTurns = new Turns(ticker, ROUND_NANOS, PAUSE_NANOS_MAX);
        this.comparisons = new Turns(ticker, COMPARE_NANOS, COMPARE_NANOS);
    }

    /** Watches a pod from now on, whose rules were written just now, if it is served by us as far as its rules; whether it is. */
    boolean begin(ServedPod pod) {
        ServingProxy proxy = pod.proxy();
        if (proxy == null
                || !pod.problem().isEmpty()
                || !(pod.wanted().netns() instanceof PodNamespace.Mounted(Path path))) {
            return false;
        }
        end(pod.wanted().uid());
        WatchedPod one = new WatchedPod(pod, proxy, path, ticker);
        pods.put(pod.wanted().uid(), one);
        watch(one);
        return true;
    }

    private void watch(WatchedPod one) {
        try {
            one.watch(capture.watch(one.proxy().netns()));
        } catch (Capture.CaptureException e) {
            cannotWatch(one, e);
        }
    }

    private void cannotWatch(WatchedPod one, Capture.CaptureException e) {
        one.close();
        if (!toldOfUnwatched) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "nobody tells when the redirect rules of pod "
                            + one.pod().wanted().name()
                            + " are changed, so that they are looked at now and then instead (further pods of which this is"
                            + " so are not named): " + e.getMessage());
        }
        toldOfUnwatched = true;
    }

    /** Watches a pod no more, of which nobody may know. */
    void end(String uid) {
        WatchedPod gone = pods.remove(uid);
        if (gone != null) {
            gone.close();
        }
    }

    /** Watches no pod any more. */
    @Override
    public void close() {
        pods.values().forEach(WatchedPod::close);
        pods.clear();
    }

    /**
     * Hears what has changed, and looks at those of which it is a while ago; answers those whose rules are damaged and could not be
     * written anew, with why.
     */
    List<ServedPod> hear() {
        listen();
        return lookAt(due(PODS_PER_LOOK_MAX), true);
    }

    /** As {@link #hear}, of all that are served now; also looks at those whose turn it is. */
    List<ServedPod> look(Collection<ServedPod> served) {
        follow(served);
        listen();
        // However much changes, there is a place for turns.
        Set<String> changed = due(PODS_PER_LOOK_MAX - 1);
        int left = PODS_PER_LOOK_MAX - changed.size();
        Set<String> turn = released(left);
        turn.addAll(turns.take(watched(true), left - turn.size()));
        turn.addAll(unwatchedTurns.take(watched(false), left - turn.size()));
        turn.removeAll(changed);
        List<ServedPod> damaged = lookAt(changed, true);
        damaged.addAll(lookAt(turn, false));
        return damaged;
    }

    private void follow(Collection<ServedPod> served) {
        Set<String> gone = new HashSet<>(pods.keySet());
        for (ServedPod pod : served) {
            WatchedPod known = pods.get(pod.wanted().uid());
            if (known != null
                    && pod.problem().isEmpty()
                    && known.proxy().equals(pod.proxy())
                    && known.pod().wanted().equals(pod.wanted())) {
                gone.remove(pod.wanted().uid());
            } else if (begin(pod)) {
                gone.remove(pod.wanted().uid());
            }
        }
        gone.forEach(this::end);
    }

    private void listen() {
        for (WatchedPod one : pods.values()) {
            if (asked(one, Capture.Watch::noticed)) {
                one.changed();
            }
        }
        NavigableSet<String> untold = uids(one -> {
            Capture.Watch watch = one.watch();
            return watch != null && !watch.isTold();
        });
        for (String uid : comparisons.take(untold, COMPARED_MAX)) {
            WatchedPod one = pods.get(uid);
            if (one != null && asked(one, Capture.Watch::compared)) {
                one.changed();
            }
        }
    }

    /** What a watch is asked. */
    @FunctionalInterface
    private interface Question {
        boolean ask(Capture.Watch watch) throws Capture.CaptureException;
    }

    /** Whether something may have changed: also where that cannot be told any more. */
    private boolean asked(WatchedPod one, Question question) {
        Capture.Watch watch = one.watch();
        try {
            return watch != null && question.ask(watch);
        } catch (Capture.CaptureException e) {
            cannotWatch(one, e);
            return true;
        }
    }

    private NavigableSet<String> watched(boolean wanted) {
        return uids(one -> (one.watch() != null) == wanted);
    }

    private NavigableSet<String> uids(Predicate<WatchedPod> those) {
        NavigableSet<String> uids = new TreeSet<>();
        pods.forEach((uid, one) -> {
            if (those.test(one)) {
                uids.add(uid);
            }
        });
        return uids;
    }

    /** Those that wait longest first, so that none waits for ever. */
    private Set<String> due(int most) {
        long now = ticker.nanoTime();
        return pods.entrySet().stream()
                .filter(each -> each.getValue().isDue())
                .sorted(Comparator.comparingLong(each -> each.getValue().dueAt() - now))
                .limit(most)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private Set<String> released(int most) {
        return pods.entrySet().stream()
                .filter(each -> capture.isForgotten(each.getValue().proxy().netns()))
                .limit(most)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private List<ServedPod> lookAt(Set<String> uids, boolean changed) {
        List<ServedPod> damaged = new ArrayList<>();
        for (String uid : uids) {
            WatchedPod one = pods.get(uid);
            String problem = one == null ? "" : lookAt(one, changed);
            if (one != null && !problem.isEmpty()) {
                end(uid);
                damaged.add(new ServedPod(one.pod().wanted(), one.proxy(), problem));
            }
        }
        return damaged;
    }

    private String lookAt(WatchedPod one, boolean changed) {
        metrics.rulesLookedAt(changed);
        if (one.watch() == null) {
            watch(one);
        }
        hearAway(one);
        List<String> missing = new ArrayList<>();
        String problem = mend(one, missing);
        if (!missing.isEmpty()) {
            hearAway(one);
        }
        one.looked(!missing.isEmpty() && one.watch() != null);
        return problem;
    }

    /** What is looked at now, or was written by us, is nothing to look at later. */
    private void hearAway(WatchedPod one) {
        boolean _ = asked(one, Capture.Watch::noticed);
        boolean _ = asked(one, Capture.Watch::compared);
    }

    private String mend(WatchedPod one, List<String> missing) {
        try {
            capture.mend(one.proxy().netns(), one.path(), found -> {
                missing.addAll(found);
                metrics.rulesDamaged();
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "the redirect rules of pod " + one.pod().wanted().name()
                                + " were damaged by somebody and are written anew: " + text(found));
            });
            return "";
        } catch (Capture.CaptureException e) {
            String why = missing.isEmpty()
                    ? "its redirect rules cannot be looked at: " + e.getMessage()
                    : "its redirect rules are damaged (" + text(missing) + ") and cannot be written anew: "
                            + e.getMessage();
            LOG.log(System.Logger.Level.ERROR, () -> "pod " + one.pod().wanted().name() + ": " + why);
            return why;
        }
    }

    private static String text(List<String> reasons) {
        String first = String.join("; ", reasons.subList(0, Math.min(REASONS_MAX, reasons.size())));
        return reasons.size() > REASONS_MAX ? first + "; and " + (reasons.size() - REASONS_MAX) + " more" : first;
    }
}
