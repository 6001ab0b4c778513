package io.culvert.agent.pods;

import java.nio.file.Path;

/**
 * Sends a pod's traffic to its proxy, and stops doing so.
 *
 * <p>Runs on: a control thread; may block a bounded time.
 */
public interface Capture {
    /** Writes the redirect rules into the namespace; does nothing where they are right already. */
    void begin(Path netns) throws CaptureException;

    /** Takes them out again; does nothing where there are none. */
    void end(Path netns) throws CaptureException;

    /** The rules could not be written or taken out. */
    final class CaptureException extends Exception {
        private static final long serialVersionUID = 1;

        public CaptureException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
