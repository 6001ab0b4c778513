package io.culvert.agent.hbone;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.PeerSettings;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a tunnel's HTTP/2 session tells: of one stream to that stream, whose faults end nothing else, of the connection to the
 * tunnel.
 *
 * <p>Runs on: the tunnel's loop, within the session's own calls.
 */
final class SessionEvents implements HboneListener {
    private final Tunnel tunnel;

    SessionEvents(Tunnel tunnel) {
        this.tunnel = tunnel;
    }

    @Override
    public void onConnect(HboneStream opened, ConnectRequest request) {
        tunnel.accepted(opened, request);
    }

    @Override
    public void onMalformedRequest(HboneStream refused, RequestFault fault) {
        tunnel.session().refuse(refused, fault.status());
        tunnel.listener().onTunnelMalformed(fault);
    }

    @Override
    public void onResponse(HboneStream answered, ConnectResponse response) {
        if (answered.attachment() instanceof TunnelStream stream) {
            try {
                stream.onResponse(response);
            } catch (RuntimeException e) {
                stream.fault(e);
            }
        }
    }

    @Override
    public void onData(HboneStream carrying, ByteBuffer in, int length) {
        tunnel.load().moved(length);
        if (carrying.attachment() instanceof TunnelStream stream) {
            int start = in.position();
            int end = in.limit();
            try {
                stream.onData(in.limit(start + length));
            } catch (RuntimeException e) {
                stream.fault(e);
            }
            in.limit(end).position(start);
        } else {
            tunnel.session().consumed(carrying, length);
        }
    }

    @Override
    public void onPassed(HboneStream carrying, int length) {
        if (carrying.attachment() instanceof TunnelStream stream) {
            stream.passed();
        }
    }

    @Override
    public void onEnd(HboneStream ended) {
        if (ended.attachment() instanceof TunnelStream stream) {
            try {
                stream.onEnd();
            } catch (RuntimeException e) {
                stream.fault(e);
            }
        }
    }

    @Override
    public void onReset(HboneStream reset, int code) {
        if (reset.attachment() instanceof TunnelStream stream) {
            try {
                stream.onReset(code);
            } catch (RuntimeException e) {
                stream.fault(e);
            }
        }
    }

    @Override
    public void onFault(@Nullable HboneStream broken, int code) {
        tunnel.listener()
                .onTunnelFault(
                        code == Http2Code.FLOW_CONTROL_ERROR ? BadPeer.HTTP2_FLOW_CONTROL : BadPeer.HTTP2_PROTOCOL);
        if (broken != null && broken.attachment() instanceof TunnelStream stream) {
            stream.lost(
                    CloseReason.H2_FAILED,
                    "the peer broke the rules of its stream, which means " + Http2Code.name(code));
        }
    }

    @Override
    public void onSendable(HboneStream unblocked) {
        if (unblocked.attachment() instanceof TunnelStream stream) {
            onRoom(stream);
        }
    }

    @Override
    public void onGoAway(int lastStreamId, int code, String debugText) {
        tunnel.listener().onTunnelRoom();
        tunnel.requestFlush();
    }

    @Override
    public void onPeerSettings(PeerSettings settings) {
        tunnel.greeted();
    }

    @Override
    public void onConnectionError(int code, String detail, @Nullable AbuseKind abuse) {
        tunnel.close(TunnelFailure.ofSession(code, detail, abuse));
    }

    @Override
    public void onPong(long opaque) {
        tunnel.onPong(opaque);
    }

    @Override
    public boolean isShortOfMemory() {
        return tunnel.loop().buffers().isShort();
    }

    /** The stream may send again. */
    static void onRoom(TunnelStream stream) {
        try {
            stream.onRoom();
        } catch (RuntimeException e) {
            stream.fault(e);
        }
    }
}
