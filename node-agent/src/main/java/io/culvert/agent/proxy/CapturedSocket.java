package io.culvert.agent.proxy;

import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ShimException;

/**
 * The socket of a connection that the redirect rules turned away from where it was going to one of the pod's listeners.
 *
 * <p>Runs on: its loop.
 */
final class CapturedSocket extends DownstreamSocket {
    CapturedSocket(AcceptedSocket socket, PodConnection connection, CloseReason whenBroken) {
        super(socket, connection, whenBroken);
    }

    @Override
    void findDestination() {
        IpPort original;
        try {
            original = socket().originalDestination();
        } catch (ShimException e) {
            connection().close(CloseReason.CONNECT_FAILED, e.getMessage());
            return;
        }
        if (original != null) {
            goesTo(original);
            return;
        }
        // Dialled directly, not redirected: there is nowhere else that it wanted to go.
        seen(Addresses.of(socket().localAddress()));
        connection().metrics().badPeer(BadPeer.OWN_PORT);
        connection().close(CloseReason.SELF_CALL, "the connection was not redirected here");
    }
}
