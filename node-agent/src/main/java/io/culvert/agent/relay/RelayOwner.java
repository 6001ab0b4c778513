package io.culvert.agent.relay;

import io.culvert.agent.telemetry.CloseReason;
import org.jspecify.annotations.Nullable;

/** Told what a relay does: counts its bytes and closes its connection's record. */
public interface RelayOwner {
    /** Bytes went from the application to its peer. */
    void relayedUp(int count);

    /** Bytes went from the peer to the application. */
    void relayedDown(int count);

    /** The relay is over, once; the application's socket is closed already. */
    void relayClosed(CloseReason reason, @Nullable String detail);
}
