package io.culvert.agent.pods;

import io.culvert.shim.PodNetns;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Sends a pod's traffic to its proxy, and stops doing so.
 *
 * <p>Runs on: a control thread; may block a bounded time.
 */
public interface Capture {
    /** Writes no rules: somebody else captures all pods. */
    Capture NONE = new Capture() {
        @Override
        public void begin(PodNetns netns, Path name) {}

        @Override
        public void end(PodNetns netns) {}

        @Override
        public Optional<List<Path>> captured() {
            return Optional.of(List.of());
        }
    };

    /**
     * Writes the redirect rules into the namespace; does nothing where they are right already. Also remembers it, for an
     * agent that comes after this one.
     *
     * @param name where the namespace is mounted
     */
    void begin(PodNetns netns, Path name) throws CaptureException;

    /** Takes them out again and forgets the namespace; does nothing where there are none. */
    void end(PodNetns netns) throws CaptureException;

    /**
     * Where the namespaces are mounted that were captured, by this agent or one before it, and are still there. Empty while
     * another agent of this node runs: what is captured is that one's matter.
     */
    Optional<List<Path>> captured() throws CaptureException;

    /** The rules could not be written or taken out. */
    final class CaptureException extends Exception {
        private static final long serialVersionUID = 1;

        public CaptureException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }
}
