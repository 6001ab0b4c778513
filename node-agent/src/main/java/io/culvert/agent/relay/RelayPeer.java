package io.culvert.agent.relay;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The far end of a relayed connection: an HBONE stream or another socket.
 *
 * <p>Runs on: the relay's loop.
 */
public interface RelayPeer {
    /** Ties the peer to whom it is told to, the relay, and starts both. */
    void start(PeerEvents told);

    /**
     * Moves once what the application has to the peer, without its coming into the process.
     *
     * @return bytes moved, 0 for nothing now, {@link RelaySocket#FULL} when the peer takes none now, and then {@link
     *     PeerEvents#onPeerRoom} follows once it does, {@link RelaySocket#NOT_SPLICED} when they have to go by {@link #room},
     *     {@link RelaySocket#END} or {@link RelaySocket#BROKEN} of the application
     */
    default int splice(RelaySocket from) {
        return RelaySocket.NOT_SPLICED;
    }

    /**
     * A buffer to read the application's next bytes into, limited to what the peer can take now; null when it can take
     * none, and then {@link PeerEvents#onPeerRoom} follows once it can. Valid only until the next call of this interface.
     */
    @Nullable
    ByteBuffer room();

    /** {@code count} bytes were put into what {@link #room} answered; false when they could not be kept. */
    boolean sent(ByteBuffer room, int count);

    /** The application has ended its direction. */
    void finish();

    /** The connection broke on the application's side; also after {@link #finish}. */
    void abort();

    /** The application has taken this many of the peer's bytes. */
    void drained(int count);

    /** The relay is over; nothing of it is called any more. */
    void released();
}
