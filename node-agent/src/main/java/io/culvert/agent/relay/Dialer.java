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
        /** Connected; the socket is the listener's from now on. */
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
}
