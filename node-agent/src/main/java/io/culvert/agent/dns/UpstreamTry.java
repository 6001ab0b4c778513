package io.culvert.agent.dns;

import io.culvert.agent.base.Deadline;
import io.culvert.protocol.net.IpPort;

/**
 * One message sent to one server: ends once, with the answer, with a failure, or cancelled.
 *
 * <p>Runs on: its loop. Owns: its socket.
 */
abstract class UpstreamTry {
    private final NetUpstream.Surroundings surroundings;
    private final IpPort server;
    private final byte[] asked;
    private final Upstream.Listener listener;
    private final Deadline deadline = new Deadline();
    private boolean over;

    UpstreamTry(NetUpstream.Surroundings surroundings, IpPort server, byte[] asked, Upstream.Listener listener) {
        this.surroundings = surroundings;
        this.server = server;
        this.asked = asked;
        this.listener = listener;
    }

    /** Begins; its listener is told once how it ended, maybe before this returns. */
    final void start(long timeoutNanos) {
        deadline.start(surroundings.loop(), () -> fail("does not answer"), timeoutNanos);
        begin();
    }

    abstract void begin();

    /** It is over: lets go of the socket. */
    abstract void release();

    final NetUpstream.Surroundings surroundings() {
        return surroundings;
    }

    final IpPort server() {
        return server;
    }

    final byte[] asked() {
        return asked;
    }

    final boolean isOver() {
        return over;
    }

    final void succeed(byte[] response) {
        cancel();
        listener.onAnswer(response);
    }

    final void fail(String why) {
        if (!over) {
            cancel();
            listener.onFailure("DNS server " + server + ": " + why);
        }
    }

    /** Ends it without a further word. */
    final void cancel() {
        if (!over) {
            over = true;
            deadline.cancel();
            release();
        }
    }
}
