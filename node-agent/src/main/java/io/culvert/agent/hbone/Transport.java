package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What carries a tunnel's frames: a socket on which both ends have proved who they are.
 *
 * <p>Runs on: its loop. Owns: its socket.
 */
public interface Transport {
    /** Told what happens. */
    interface Events {
        /** The handshake is complete. */
        void onSecured();

        /** Bytes arrived; all of them must be used before this returns. */
        void onPlain(ByteBuffer in);

        /** How many of the bytes that come next are payload of one connection; 0 when something else does. */
        default int payloadLeft() {
            return 0;
        }

        /**
         * Moves some of these to the connection's other side, without their coming into the process.
         *
         * @param most how many bytes at most
         * @return as {@link RelaySocket#read(Pipe, int)}; {@link RelaySocket#NOT_SPLICED} when they have to
         *     come by {@link #onPlain}
         */
        default int onPayload(RelaySocket from, int most) {
            return RelaySocket.NOT_SPLICED;
        }

        /** How many bytes at least there are to the end of the next header when no payload comes before. */
        default int untilHeader() {
            return 0;
        }

        /** How much memory what arrived takes that applications have not taken, in bytes. */
        long standingBytes();

        /** What was blocked may write again. */
        void onUnblocked();

        /** The peer closed, or the connection broke; once, and nothing follows. Not told after {@link #close}. */
        void onTransportClosed(Failure failure, @Nullable Throwable cause);
    }

    /** How a transport ended. */
    enum Failure {
        /** The peer closed. */
        CLOSED_BY_PEER,
        /** The connection broke. */
        BROKEN,
        /** TLS refused what came. */
        TLS,
        /** No buffer was free. */
        NO_BUFFER,
        /** We are wrong. */
        FAULT
    }

    /** Makes transports of connected sockets, which they own from then on. */
    interface Factory {
        /** The accepting side. */
        Transport server(Loop loop, RelaySocket socket, TlsMaterial material);

        /** The opening side; the peer must prove one of the identities. */
        Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected);
    }

    /** Begins the handshake; events may come before this returns. */
    void start(Events told);

    /** Who the peer proved to be; to be asked once secured. */
    PeerIdentity peer();

    /** Why the peer may not go on, by the revocation lists now in force; null when it may. To be asked once secured. */
    @Nullable
    PeerRejectedException revoked();

    /**
     * Writes all of the buffer; never called while blocked.
     *
     * @param lender of memory for what the kernel does not take, hardly more than the buffer has
     */
    void write(ByteBuffer plain, BufferShare.Lender lender);

    /** Whether {@link #write(ByteBuffer, Pipe, BufferShare.Lender)} is to be had, which may become so. */
    default boolean splices() {
        return false;
    }

    /**
     * Writes all of the buffer, then what is in the pipe; never called while blocked, nor unless it {@link #splices}.
     *
     * @param payload the transport's from now on
     * @param lender as for {@link #write(ByteBuffer, BufferShare.Lender)}
     */
    default void write(ByteBuffer plain, Pipe payload, BufferShare.Lender lender) {
        throw new UnsupportedOperationException("records are made in the process");
    }

    /**
     * Whether bytes wait for the kernel; {@link Events#onUnblocked} follows. Also, and then for good, once the kernel takes no
     * more, and whether bytes waited when it closed, and were lost.
     */
    boolean isBlocked();

    /** Whether, at any time since this was last asked, nothing was read because what came could not have been kept. */
    boolean wasStarved();

    boolean isClosed();

    /** Says good-bye, lets the peer read what was written, then closes. */
    void close();
}
