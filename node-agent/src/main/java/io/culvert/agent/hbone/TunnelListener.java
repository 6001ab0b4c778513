package io.culvert.agent.hbone;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.identity.PeerIdentity;
import org.jspecify.annotations.Nullable;

/** Told what happens to a tunnel as a whole. */
public interface TunnelListener {
    /** Secured: streams may be opened or will come. */
    void onTunnelOpen(PeerIdentity peer);

    /** Server: the peer wants a stream; {@link TunnelStream#accept} or {@link TunnelStream#refuse} follows. */
    void onTunnelConnect(TunnelStream stream, ConnectRequest request);

    /** Server: the peer sent a request that is no CONNECT to a well-formed authority; it has been answered. */
    void onTunnelMalformed(RequestFault fault);

    /** The peer broke a rule on a stream, which is over; the tunnel goes on. */
    void onTunnelFault(BadPeer kind);

    /** Streams may have become available. */
    void onTunnelRoom();

    /**
     * The tunnel is closed, once; every stream has been told before.
     *
     * @param badPeer what the peer did wrong, null when nothing
     */
    void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer);
}
