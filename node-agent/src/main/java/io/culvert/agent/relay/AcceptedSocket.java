package io.culvert.agent.relay;

import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ShimException;
import org.jspecify.annotations.Nullable;

/**
 * A socket that one of a pod's listeners accepted, with the listener's options.
 *
 * <p>Runs on: its loop.
 */
public interface AcceptedSocket extends RelaySocket {
    /** Where the client was going before it was redirected here; null when nothing redirected it. */
    @Nullable
    IpPort originalDestination() throws ShimException;

    /** Asks the kernel whether the client has reset it already, which is otherwise told no sooner than in the next turn. */
    boolean isResetAlready();
}
