package io.culvert.agent.relay;

import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.ShimException;
import org.jspecify.annotations.Nullable;

/**
 * A socket that one of a pod's listeners accepted.
 *
 * <p>Runs on: its loop.
 */
public interface AcceptedSocket extends RelaySocket {
    /** Sends small writes at once; false when the connection is gone already. */
    boolean noDelay();

    /** Sets the options. */
    void tune(ConnectSpec spec) throws ShimException;

    /** Where the client was going before it was redirected here; null when nothing redirected it. */
    @Nullable
    IpPort originalDestination() throws ShimException;
}
