package io.culvert.agent.proxy;

import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.net.IpPort;

/**
 * The socket that one of the pod's listeners accepted, of a client whose destination is found out first.
 *
 * <p>Runs on: its loop. Owns: the socket, which a relay may close before it is closed here.
 */
abstract class DownstreamSocket implements RelaySocket.Listener {
    private final AcceptedSocket socket;
    private final PodConnection connection;
    private final CloseReason whenBroken;
    private final IpPort source;
    private IpPort destination = Addresses.UNKNOWN;

    /** @param whenBroken who it was, when it breaks before the connection is open */
    DownstreamSocket(AcceptedSocket socket, PodConnection connection, CloseReason whenBroken) {
        this.socket = socket;
        this.connection = connection;
        this.whenBroken = whenBroken;
        this.source = Addresses.of(socket.remoteAddress());
    }

    /** Finds out where the client is going, and says so by {@link #goesTo}, or closes the connection. */
    abstract void findDestination();

    /** Admits the connection, finds out where it is going, and has it identified. */
    final void accept(Direction direction) {
        socket.listener(this);
        connection.metrics().socketOpened(direction);
        connection.begin(this::begin);
    }

    private void begin() {
        if (socket.isResetAlready()) {
            broke("before it was looked at");
        } else {
            findDestination();
        }
    }

    /** It is known where the client is going. */
    final void goesTo(IpPort found) {
        seen(found);
        connection.identify();
    }

    /** The client is gone. */
    final void broke(String when) {
        String lost = socket.failure();
        connection.close(lost == null ? whenBroken : CloseReason.CONNECTION_LOST, lost == null ? when : lost);
    }

    final AcceptedSocket socket() {
        return socket;
    }

    final PodConnection connection() {
        return connection;
    }

    final IpPort source() {
        return source;
    }

    /** Where the client was going; unknown until it is identified. */
    final IpPort destination() {
        return destination;
    }

    /** As far as it is known where the client was going, for the log. */
    final void seen(IpPort found) {
        destination = found;
    }

    /** The connection is over. */
    final void release(Direction direction) {
        end();
        connection.metrics().socketClosed(direction);
    }

    /** A connection that could not be opened is reset, so that its client does not take it for an empty answer. */
    void end() {
        socket.abort();
    }

    /** While the connection is being opened, all that matters is whether the socket broke. */
    @Override
    public void onReady() {
        if (socket.errorSeen()) {
            broke("before the connection was open");
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        connection.close(CloseReason.BUG, fault.toString());
    }
}
