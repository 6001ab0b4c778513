package io.culvert.agent.relay;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import org.jspecify.annotations.Nullable;

/**
 * Opens TCP connections on one loop.
 *
 * <p>Runs on: its loop. Bounds: each attempt ends within a time.
 */
public interface Dialer {
    /** Told once how an attempt ended. */
    interface Listener {
        /**
         * Connected; the socket is the listener's from now on. One that throws here is told that it is not
         * connected after all.
         */
        void onConnected(RelaySocket socket);

        /** Not connected. */
        void onDialFailed(boolean timedOut, String detail);
    }

    /**
     * Starts an attempt; it may end before this returns.
     *
     * @param source the address to appear as; null for the pod's own
     * @return ends the attempt without a further word
     */
    Runnable dial(IpPort target, @Nullable IpAddress source, Listener listener);

    /**
     * Hands a connected socket over; if that meets a fault of ours, the socket is closed and the attempt has
     * failed.
     */
    static void handOver(RelaySocket connected, IpPort target, Listener listener) {
        try {
            listener.onConnected(connected);
        } catch (RuntimeException | Error e) {
            System.getLogger(Dialer.class.getName())
                    .log(System.Logger.Level.ERROR, "a connection was given up because of a fault in the agent", e);
            connected.close();
            listener.onDialFailed(false, "connect to " + target + ": " + e);
        }
    }
}
