package io.culvert.agent.dns;

/**
 * One message sent to one server.
 *
 * <p>Runs on: its loop. Owns: its socket.
 */
interface UpstreamTry {
    /** Begins; its listener is told once how it ended, maybe before this returns. */
    void start(long timeoutNanos);

    /** Ends it without a further word. */
    void cancel();
}
