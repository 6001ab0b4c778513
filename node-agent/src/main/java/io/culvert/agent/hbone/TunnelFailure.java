package io.culvert.agent.hbone;

import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.netty.handler.ssl.NotSslRecordException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Why a tunnel ended, in the terms of the connection log and of the counters of bad peers.
 *
 * @param reason for the log
 * @param detail for the log
 * @param badPeer what to count, null when the peer did nothing wrong
 */
record TunnelFailure(
        CloseReason reason, String detail, @Nullable BadPeer badPeer) {
    private static final int CAUSES_MAX = 8;

    /** Of how the transport ended; {@code open} tells whether the handshake was complete. */
    static TunnelFailure of(Transport.Failure failure, @Nullable Throwable cause, boolean open) {
        return switch (failure) {
            case CLOSED_BY_PEER ->
                open
                        ? new TunnelFailure(CloseReason.TUNNEL_LOST, "the peer closed the tunnel", null)
                        : new TunnelFailure(
                                CloseReason.TLS_FAILED, "the peer closed during the handshake", BadPeer.TLS_HANDSHAKE);
            case BROKEN ->
                open
                        ? new TunnelFailure(CloseReason.TUNNEL_LOST, "the tunnel's connection broke", null)
                        : new TunnelFailure(
                                CloseReason.TLS_FAILED,
                                "the connection broke during the handshake",
                                BadPeer.TLS_HANDSHAKE);
            case TLS -> ofTls(cause);
            case NO_BUFFER -> new TunnelFailure(CloseReason.LIMIT_REACHED, "no buffer was free for the tunnel", null);
            case FAULT -> new TunnelFailure(CloseReason.BUG, String.valueOf(cause), null);
        };
    }

    private static TunnelFailure ofTls(@Nullable Throwable cause) {
        Throwable at = cause;
        for (int i = 0; at != null && i < CAUSES_MAX; i++) {
            if (at instanceof PeerRejectedException rejected) {
                return ofRejection(rejected);
            }
            if (at.getCause() == null) {
                break;
            }
            at = at.getCause();
        }
        String message = at == null ? "TLS failed" : String.valueOf(at.getMessage());
        return new TunnelFailure(CloseReason.TLS_FAILED, message, kindOf(at, message));
    }

    /** Of a peer that proved something else than it should have. */
    static TunnelFailure ofRejection(PeerRejectedException rejected) {
        String detail = String.valueOf(rejected.getMessage());
        return switch (rejected.why()) {
            case UNREADABLE, UNTRUSTED ->
                new TunnelFailure(CloseReason.TLS_FAILED, detail, BadPeer.UNTRUSTED_CERTIFICATE);
            case REVOKED -> new TunnelFailure(CloseReason.CERTIFICATE_REVOKED, detail, BadPeer.REVOKED_CERTIFICATE);
            case NOT_VALID_NOW -> new TunnelFailure(CloseReason.TLS_FAILED, detail, BadPeer.EXPIRED_CERTIFICATE);
            case BAD_SPIFFE_ID -> new TunnelFailure(CloseReason.TLS_FAILED, detail, BadPeer.BAD_SPIFFE_ID);
            case OTHER_TRUST_DOMAIN -> new TunnelFailure(CloseReason.TLS_FAILED, detail, BadPeer.OTHER_TRUST_DOMAIN);
            case WRONG_IDENTITY ->
                new TunnelFailure(CloseReason.PEER_IDENTITY_MISMATCH, detail, BadPeer.WRONG_IDENTITY);
        };
    }

    private static BadPeer kindOf(@Nullable Throwable cause, String message) {
        String text = message.toUpperCase(Locale.ROOT);
        if (cause instanceof NotSslRecordException
                || text.contains("WRONG_VERSION_NUMBER")
                || text.contains("HTTP_REQUEST")
                || text.contains("HTTPS_PROXY_REQUEST")) {
            return BadPeer.NOT_TLS;
        }
        return text.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") ? BadPeer.NO_CERTIFICATE : BadPeer.TLS_HANDSHAKE;
    }

    /** Of a connection error that the session found. */
    static TunnelFailure ofSession(int code, String detail, @Nullable AbuseKind abuse) {
        BadPeer kind = BadPeer.HTTP2_PROTOCOL;
        if (abuse == AbuseKind.HEADER_BLOCK) {
            kind = BadPeer.HEADERS_TOO_LARGE;
        } else if (abuse != null || code == Http2Code.ENHANCE_YOUR_CALM) {
            kind = BadPeer.HTTP2_FLOOD;
        } else if (code == Http2Code.FLOW_CONTROL_ERROR) {
            kind = BadPeer.HTTP2_FLOW_CONTROL;
        }
        return new TunnelFailure(CloseReason.H2_FAILED, detail, kind);
    }
}
