package io.culvert.agent.pods;

import io.culvert.agent.base.Ticker;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Pods that left: their rules lead to nobody, and are taken out. Whatever could not be done at once is tried again at every look,
 * by the notes of what is captured.
 *
 * <p>A pod that has become another node's keeps its rules until that node's agent captures it, or it would speak in plaintext in
 * between; after {@link #GRACE_NANOS} nobody is expected any more.
 *
 * <p>Runs on: one control thread.
 */
final class LeftPods {
    static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final System.Logger LOG = System.getLogger(LeftPods.class.getName());

    private final Capture capture;
    private final Ticker ticker;
    /** Namespaces whose rules could not be taken out; complained of once each. */
    private final Set<Path> unreleased = new HashSet<>();

    /** Since when pods wait for another node's agent. */
    private Map<Path, Long> awaited = new HashMap<>();

    /** Whether there may be something to release: an agent before this one may have captured anything. */
    private boolean pending = true;

    private String trouble = "";

    LeftPods(Capture capture, Ticker ticker) {
        this.capture = capture;
        this.ticker = ticker;
    }

    /** Has the notes looked through at the next look. */
    void lookAgain() {
        pending = true;
    }

    /** Releases a pod that was served until now, if nobody wants it. */
    void release(WantedPod pod, PodNetns netns, WantedPods.Look look) {
        if (isWanted(netns, pod, look.target())) {
            return;
        }
        if (isAny(look.elsewhere(), netns)) {
            pending = true;
            return;
        }
        boolean went = false;
        try {
            if (!capture.end(netns)) {
                LOG.log(
                        System.Logger.Level.INFO,
                        () -> "pod " + pod.name() + " keeps its rules: another agent captures it");
            }
            went = true;
        } catch (Capture.CaptureException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "the rules of pod " + pod.name() + " could not be taken out, trying again: "
                            + e.getMessage());
        } finally {
            pending |= !went;
        }
    }

    /** Releases those that are still captured, unless that is known to be done. */
    void releaseAllBut(WantedPods.Look look) {
        if (!pending) {
            return;
        }
        Map<Path, Long> before = awaited;
        awaited = new HashMap<>();
        boolean went = false;
        pending = false;
        try {
            Optional<List<Path>> captured = capture.captured();
            pending |= captured.isEmpty();
            for (Path name : captured.orElse(List.of())) {
                release(name, look, netns -> !isAwaited(name, netns, look, before) && capture.end(netns));
            }
            for (Path name : capture.abandoned()) {
                release(name, look, netns -> !isAny(look.elsewhere(), netns) && capture.endAbandoned(netns));
            }
            trouble = "";
            went = true;
        } catch (Capture.CaptureException e) {
            complain(String.valueOf(e.getMessage()));
        } finally {
            pending |= !went;
        }
    }

    private void complain(String why) {
        if (!trouble.equals(why)) {
            trouble = why;
            LOG.log(System.Logger.Level.WARNING, () -> "pods that left may still be captured: " + why);
        }
    }

    /** Answers whether it is released now. */
    @FunctionalInterface
    private interface Release {
        boolean of(PodNetns netns) throws Capture.CaptureException;
    }

    private void release(Path name, WantedPods.Look look, Release release) {
        if (isName(name, look.target())) {
            return;
        }
        try (PodNetns netns = PodNetns.open(name)) {
            if (!isWanted(netns, null, look.target()) && release.of(netns)) {
                LOG.log(System.Logger.Level.INFO, () -> "the pod in " + name + " left; it is released");
            }
            unreleased.remove(name);
        } catch (ShimException | Capture.CaptureException e) {
            // It may have gone by itself, and its rules with it.
            boolean there = !Files.notExists(name);
            pending |= there;
            if (there && unreleased.add(name)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "the pod in " + name + " left, but its rules are still there: " + e.getMessage());
            }
        }
    }

    /** Whether a wanted pod goes by this name: it did not leave, also when the name comes to lead elsewhere just now. */
    private static boolean isName(Path name, Map<String, WantedPod> wanted) {
        return wanted.values().stream().anyMatch(pod -> pod.netns().equals(new PodNamespace.Mounted(name)));
    }

    /** Whether another node's agent is about to capture it, and had not time enough yet. */
    private boolean isAwaited(Path name, PodNetns netns, WantedPods.Look look, Map<Path, Long> before) {
        if (!isAny(look.elsewhere(), netns)) {
            return false;
        }
        long since = before.getOrDefault(name, ticker.nanoTime());
        boolean waits = ticker.nanoTime() - since < GRACE_NANOS;
        if (waits) {
            awaited.put(name, since);
            pending = true;
        }
        return waits;
    }

    /** Whether a wanted pod is in this namespace, or may be; one whose name leads elsewhere now, or nowhere, was. */
    private boolean isWanted(PodNetns netns, @Nullable WantedPod was, Map<String, WantedPod> wanted) {
        return was != null && was.equals(wanted.get(was.uid()))
                || isAny(wanted.values().stream().map(WantedPod::netns).toList(), netns);
    }

    private boolean isAny(List<PodNamespace> pods, PodNetns netns) {
        return pods.stream().anyMatch(pod -> mayBe(pod, netns));
    }

    private boolean mayBe(PodNamespace pod, PodNetns netns) {
        try {
            return pod.is(netns);
        } catch (ShimException e) {
            LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
            pending = true;
            return true;
        }
    }
}
