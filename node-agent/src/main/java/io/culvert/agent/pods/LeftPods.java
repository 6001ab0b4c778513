package io.culvert.agent.pods;

import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Pods that left while no agent ran: their rules lead to nobody, and are taken out.
 *
 * <p>Runs on: one control thread.
 */
final class LeftPods {
    private static final System.Logger LOG = System.getLogger(LeftPods.class.getName());

    private final Capture capture;
    /** Namespaces whose rules could not be taken out; complained of once each. */
    private final Set<Path> unreleased = new HashSet<>();

    private boolean released;

    LeftPods(Capture capture) {
        this.capture = capture;
    }

    /**
     * Releases them, unless that was done before.
     *
     * @param elsewhere the namespaces of other nodes' pods
     */
    void releaseAllBut(Map<String, WantedPod> wanted, List<PodNamespace> elsewhere) {
        if (!released) {
            released = releaseAll(wanted, elsewhere);
        }
    }

    /** Whether that was all. */
    private boolean releaseAll(Map<String, WantedPod> wanted, List<PodNamespace> elsewhere) {
        try {
            Optional<List<Path>> captured = capture.captured();
            boolean all = captured.isPresent();
            for (Path name : captured.orElse(List.of())) {
                all &= isName(name, wanted) || release(name, capture::end, netns -> isWanted(netns, null, wanted));
            }
            for (Path name : capture.abandoned()) {
                all &= isName(name, wanted)
                        || release(
                                name,
                                capture::endAbandoned,
                                netns -> isWanted(netns, null, wanted)
                                        || elsewhere.stream().anyMatch(pod -> mayBe(pod, netns)));
            }
            return all;
        } catch (Capture.CaptureException e) {
            LOG.log(System.Logger.Level.WARNING, () -> "pods that left may still be captured: " + e.getMessage());
            return true;
        }
    }

    /** Whether a wanted pod goes by this name: it did not leave, also when the name comes to lead elsewhere just now. */
    private static boolean isName(Path name, Map<String, WantedPod> wanted) {
        return wanted.values().stream().anyMatch(pod -> pod.netns().equals(new PodNamespace.Mounted(name)));
    }

    @FunctionalInterface
    private interface Release {
        boolean of(PodNetns netns) throws Capture.CaptureException;
    }

    private boolean release(Path name, Release release, Predicate<PodNetns> isKept) {
        try (PodNetns netns = PodNetns.open(name)) {
            if (!isKept.test(netns) && release.of(netns)) {
                LOG.log(
                        System.Logger.Level.INFO,
                        () -> "the pod in " + name + " left while no agent ran; it is released");
            }
            return true;
        } catch (ShimException | Capture.CaptureException e) {
            // It may have gone by itself, and its rules with it.
            boolean gone = Files.notExists(name);
            if (!gone && unreleased.add(name)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "the pod in " + name + " left while no agent ran, but its rules are still there: "
                                + e.getMessage());
            }
            return gone;
        }
    }

    /** Whether a wanted pod is in this namespace, or may be; one whose name leads elsewhere now, or nowhere, was. */
    static boolean isWanted(PodNetns netns, @Nullable WantedPod was, Map<String, WantedPod> wanted) {
        if (was != null && was.equals(wanted.get(was.uid()))) {
            return true;
        }
        return wanted.values().stream().anyMatch(pod -> mayBe(pod.netns(), netns));
    }

    private static boolean mayBe(PodNamespace pod, PodNetns netns) {
        try {
            return pod.is(netns);
        } catch (ShimException e) {
            LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
            return true;
        }
    }
}
