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

    /**
     * Moves once what the far end's socket has to the application, without its coming into the process.
     *
     * @param most how many bytes at most
     * @param urgent whether they are to be moved although others wait for the application, as far as pipes go
     * @return bytes moved, 0 for nothing now, {@link RelaySocket#FULL} while it waits for the application, {@link
     *     RelaySocket#NOT_SPLICED} when they have to go by {@link #onPeerData}, {@link RelaySocket#END} or {@link
     *     RelaySocket#BROKEN} of the socket
     */
    default int splice(RelaySocket from, int most, boolean urgent) {
        return RelaySocket.NOT_SPLICED;
    }

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
