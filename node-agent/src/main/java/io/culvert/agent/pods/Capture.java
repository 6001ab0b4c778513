package io.culvert.agent.pods;

import io.culvert.shim.PodNetns;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
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
        public boolean isForgotten(PodNetns netns) {
            return false;
        }

        @Override
        public void mend(PodNetns netns, Path name, Consumer<List<String>> onDamage) {}

        @Override
        public Watch watch(PodNetns netns) {
            return Watch.SILENT;
        }

        @Override
        public boolean end(PodNetns netns) {
            return false;
        }

        @Override
        public boolean endAbandoned(PodNetns netns) {
            return false;
        }

        @Override
        public Optional<List<Path>> captured() {
            return Optional.of(List.of());
        }

        @Override
        public List<Path> abandoned() {
            return List.of();
        }
    };

    /**
     * Writes the redirect rules into the namespace; does nothing where they are right already. Also remembers it, for an
     * agent that comes after this one.
     *
     * @param name where the namespace is mounted
     */
    void begin(PodNetns netns, Path name) throws CaptureException;

    /** Whether nobody knows any more that the namespace was captured: somebody else released it. Quick. */
    boolean isForgotten(PodNetns netns);

    /**
     * Looks whether the rules are whole, and writes them anew if they are not. Does nothing where the agent of another node of
     * this machine captures the namespace now.
     *
     * @param onDamage told what was missing, before anything is written
     */
    void mend(PodNetns netns, Path name, Consumer<List<String>> onDamage) throws CaptureException;

    /**
     * Watches from now on whether somebody changes the rules.
     *
     * <p>Owns: the caller closes it, before the pod goes.
     *
     * @throws CaptureException if the kernel does not let us; they have to be looked at again and again then
     */
    Watch watch(PodNetns netns) throws CaptureException;

    /**
     * Takes them out again and forgets the namespace; does nothing where there are none. Where another node of this machine has
     * captured it since, it is only forgotten.
     *
     * @return whether it is released
     */
    boolean end(PodNetns netns) throws CaptureException;

    /** As {@link #end}, for a namespace that a node whose agent is gone captured; one that is served again is left alone. */
    boolean endAbandoned(PodNetns netns) throws CaptureException;

    /**
     * Where the namespaces are mounted that were captured, by this agent or one before it, and are still there. Empty while
     * another agent of this node runs: what is captured is that one's matter.
     */
    Optional<List<Path>> captured() throws CaptureException;

    /** Where those are mounted that other nodes of this machine captured, whose agents are gone and were told of the same pods. */
    List<Path> abandoned() throws CaptureException;

    /**
     * Tells when one pod's rules may have been changed, by us or by others.
     *
     * <p>Runs on: a control thread; no call waits. Owns: descriptors. Errors: after one it may have missed something.
     */
    interface Watch extends AutoCloseable {
        /** Never tells of anything. */
        Watch SILENT = new Watch() {
            @Override
            public boolean isTold() {
                return true;
            }

            @Override
            public boolean noticed() {
                return false;
            }

            @Override
            public boolean compared() {
                return false;
            }

            @Override
            public void close() {}
        };

        /** Whether {@link #noticed} misses nothing; if not, they have to be {@link #compared} from time to time. */
        boolean isTold();

        /** Whether there was a change since this was asked last, as far as one is told. Quick. */
        boolean noticed() throws CaptureException;

        /** Whether they are others than when this was asked last. */
        boolean compared() throws CaptureException;

        @Override
        void close();
    }

    /** The rules could not be written or taken out. */
    final class CaptureException extends Exception {
        private static final long serialVersionUID = 1;

        public CaptureException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }
}
