package io.culvert.agent.relay;

import io.culvert.agent.telemetry.CloseReason;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Told what the far end of a connection does: mostly a {@link Relay}.
 *
 * <p>Runs on: the far end's loop.
 */
public interface PeerEvents {
    /** The far end is ready. */
    void start();

    /** Bytes came: all of the buffer's remaining bytes, valid only during the call. */
    void onPeerData(ByteBuffer from);

    /** The far end has ended its direction. */
    void onPeerEnd();

    /** The far end has left in good order: no more bytes from it, and none to it. */
    void onPeerLeft();

    /** The far end broke. */
    void onPeerBroken(CloseReason reason, @Nullable String detail);

    /** The far end can take bytes again. */
    void onPeerRoom();

    /** We are wrong, and this connection must not go on. */
    void onFault(RuntimeException fault);
}
