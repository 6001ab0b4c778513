package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
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
     * Writes all of the buffer; never called while blocked. What the kernel does not take is kept in as much memory as the
     * buffer has, which the caller gives back right afterwards.
     */
    void write(ByteBuffer plain);

    /**
     * Whether bytes wait for the kernel; {@link Events#onUnblocked} follows. Also whether they did when it closed, and were
     * lost.
     */
    boolean isBlocked();

    /** Whether, at any time since this was last asked, nothing was read because what came could not have been kept. */
    boolean wasStarved();

    boolean isClosed();

    /** Says good-bye, lets the peer read what was written, then closes. */
    void close();
}
