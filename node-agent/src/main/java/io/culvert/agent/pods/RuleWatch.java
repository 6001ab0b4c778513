package io.culvert.agent.pods;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.Metrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Looks again and again whether the redirect rules of served pods are whole, a few pods at a time, and has them written anew
 * where they are not: a firewall tool that empties chains would otherwise let traffic past every policy, unseen.
 *
 * <p>Runs on: one control thread. Bounds: {@link #PODS_PER_LOOK_MAX} pods at each look, so that past 240 pods a round takes longer
 * than {@link #ROUND_NANOS}.
 */
final class RuleWatch {
    static final int PODS_PER_LOOK_MAX = 4;
    /** In this time every pod has its turn. */
    static final long ROUND_NANOS = TimeUnit.MINUTES.toNanos(1);
    /** Where there are few pods, their turns come more often than they must. */
    static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

    private static final System.Logger LOG = System.getLogger(RuleWatch.class.getName());
    private static final int REASONS_MAX = 4;

    private final Capture capture;
    private final Metrics metrics;
    private final Ticker ticker;
    private String last = "";
    private long turnAt;

    RuleWatch(Capture capture, Metrics metrics, Ticker ticker) {
        this.capture = capture;
        this.metrics = metrics;
        this.ticker = ticker;
        this.turnAt = ticker.nanoTime() + PAUSE_NANOS_MAX;
    }

    /** A pod that is served by us as far as its rules. */
    private record Watched(ServedPod pod, ServingProxy proxy, Path path) {}

    /** Looks at those whose turn it is; answers those whose rules are damaged and could not be written anew, with why. */
    List<ServedPod> look(Collection<ServedPod> served) {
        NavigableMap<String, Watched> watched = new TreeMap<>();
        for (ServedPod pod : served) {
            ServingProxy proxy = pod.proxy();
            if (proxy != null
                    && pod.problem().isEmpty()
                    && pod.wanted().netns() instanceof PodNamespace.Mounted(Path path)) {
                watched.put(pod.wanted().uid(), new Watched(pod, proxy, path));
            }
        }
        List<ServedPod> damaged = new ArrayList<>();
        for (String uid : turns(watched)) {
            Watched one = watched.get(uid);
            String problem = one == null ? "" : mend(one);
            if (one != null && !problem.isEmpty()) {
                damaged.add(new ServedPod(one.pod().wanted(), one.proxy(), problem));
            }
        }
        return damaged;
    }

    private Set<String> turns(NavigableMap<String, Watched> watched) {
        Set<String> turns = new LinkedHashSet<>();
        watched.forEach((uid, one) -> {
            if (turns.size() < PODS_PER_LOOK_MAX
                    && capture.isForgotten(one.proxy().netns())) {
                turns.add(uid);
            }
        });
        long now = ticker.nanoTime();
        if (watched.isEmpty()) {
            turnAt = now + PAUSE_NANOS_MAX;
            return turns;
        }
        long pause = Math.min(PAUSE_NANOS_MAX, ROUND_NANOS / watched.size());
        for (int i = 0; i < PODS_PER_LOOK_MAX && turnAt - now <= 0 && i < watched.size(); i++) {
            String next = watched.higherKey(last);
            last = next == null ? watched.firstKey() : next;
            turns.add(last);
            turnAt += pause;
        }
        if (turnAt - now <= 0) {
            // What could not be done is not made up for.
            turnAt = now;
        }
        return turns;
    }

    private String mend(Watched one) {
        List<String> missing = new ArrayList<>();
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
