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

    /** Releases them, unless that was done before. */
    void releaseAllBut(Map<String, WantedPod> wanted) {
        if (!released) {
            released = releaseAll(wanted);
        }
    }

    /** Whether that was all. */
    private boolean releaseAll(Map<String, WantedPod> wanted) {
        try {
            Optional<List<Path>> captured = capture.captured();
            boolean all = captured.isPresent();
            for (Path name : captured.orElse(List.of())) {
                all &= release(name, wanted);
            }
            return all;
        } catch (Capture.CaptureException e) {
            LOG.log(System.Logger.Level.WARNING, () -> "pods that left may still be captured: " + e.getMessage());
            return true;
        }
    }

    private boolean release(Path name, Map<String, WantedPod> wanted) {
        try (PodNetns netns = PodNetns.open(name)) {
            if (!isWanted(netns, null, wanted)) {
                capture.end(netns);
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
        for (WantedPod pod : wanted.values()) {
            try {
                if (pod.netns().is(netns)) {
                    return true;
                }
            } catch (ShimException e) {
                LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
                return true;
            }
        }
        return false;
    }
}
