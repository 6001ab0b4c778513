package io.culvert.agent.proxy;

import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ShimException;

/**
 * The socket of a connection that the redirect rules turned away from where it was going to one of the pod's listeners.
 *
 * <p>Runs on: its loop. Owns: the socket, which a relay may close before it is closed here.
 */
final class CapturedSocket implements RelaySocket.Listener {
    private final AcceptedSocket socket;
    private final PodConnection connection;
    private final CloseReason whenBroken;
    private final IpPort source;
    private IpPort destination = Addresses.UNKNOWN;

    /** @param whenBroken who it was, when it breaks before the connection is open */
    CapturedSocket(AcceptedSocket socket, PodConnection connection, CloseReason whenBroken) {
        this.socket = socket;
        this.connection = connection;
        this.whenBroken = whenBroken;
        this.source = Addresses.of(socket.remoteAddress());
    }

    /** Admits the connection, finds out where it was going, and has it identified. */
    void accept(Direction direction) {
        socket.listener(this);
        connection.metrics().socketOpened(direction);
        connection.begin(this::identify);
    }

    private void identify() {
        if (socket.isResetAlready()) {
            connection.close(whenBroken, "before it was looked at");
            return;
        }
        IpPort original;
        try {
            original = socket.originalDestination();
        } catch (ShimException e) {
            connection.close(CloseReason.CONNECT_FAILED, e.getMessage());
            return;
        }
        if (original == null) {
            // Dialled directly, not redirected: there is nowhere else that it wanted to go.
            destination = Addresses.of(socket.localAddress());
            connection.metrics().badPeer(BadPeer.OWN_PORT);
            connection.close(CloseReason.SELF_CALL, "the connection was not redirected here");
        } else {
            destination = original;
            connection.identify();
        }
    }

    RelaySocket socket() {
        return socket;
    }

    IpPort source() {
        return source;
    }

    /** Where the client was going; unknown until it is identified. */
    IpPort destination() {
        return destination;
    }

    /** A connection that could not be opened is reset, so that its client does not take it for an empty answer. */
    void release(Direction direction) {
        socket.abort();
        connection.metrics().socketClosed(direction);
    }

    /** While the connection is being opened, all that matters is whether the socket broke. */
    @Override
    public void onReady() {
        if (socket.errorSeen()) {
            connection.close(whenBroken, "before the connection was open");
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        connection.close(CloseReason.BUG, fault.toString());
    }
}
