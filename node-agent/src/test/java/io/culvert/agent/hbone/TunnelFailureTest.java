package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.Rejections;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.netty.handler.ssl.NotSslRecordException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TunnelFailureTest {
    private static TunnelFailure ofTls(@Nullable Throwable cause) {
        return TunnelFailure.of(Transport.Failure.TLS, cause, false);
    }

    @ParameterizedTest
    @CsvSource({
        "UNREADABLE, TLS_FAILED, UNTRUSTED_CERTIFICATE",
        "UNTRUSTED, TLS_FAILED, UNTRUSTED_CERTIFICATE",
        "REVOKED, CERTIFICATE_REVOKED, REVOKED_CERTIFICATE",
        "NOT_VALID_NOW, TLS_FAILED, EXPIRED_CERTIFICATE",
        "BAD_SPIFFE_ID, TLS_FAILED, BAD_SPIFFE_ID",
        "OTHER_TRUST_DOMAIN, TLS_FAILED, OTHER_TRUST_DOMAIN",
        "WRONG_IDENTITY, PEER_IDENTITY_MISMATCH, WRONG_IDENTITY"
    })
    void tellsWhyACertificateWasRejected_howeverDeepTheCause(
            PeerRejectedException.Why why, CloseReason reason, BadPeer badPeer) {
        Throwable cause = Rejections.of(why, "what is wrong");
        for (int depth = 0; depth < 5; depth++) {
            TunnelFailure failure = ofTls(cause);
            assertEquals(new TunnelFailure(reason, "what is wrong", badPeer), failure);
            cause = new SSLHandshakeException("outer " + depth, cause);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER, NOT_TLS",
        "error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST, NOT_TLS",
        "error:1000009b:SSL routines:OPENSSL_internal:HTTPS_PROXY_REQUEST, NOT_TLS",
        "error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE, NO_CERTIFICATE",
        "error:100000f0:SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL, TLS_HANDSHAKE"
    })
    void readsWhatTheLibrarySays(String message, BadPeer badPeer) {
        TunnelFailure failure = ofTls(new SSLException("failed", new SSLException(message)));
        assertEquals(new TunnelFailure(CloseReason.TLS_FAILED, message, badPeer), failure);
    }

    @Test
    void knowsBytesThatAreNoTls() {
        assertEquals(BadPeer.NOT_TLS, ofTls(new NotSslRecordException("x")).badPeer());
    }

    @Test
    void copesWithNoCause_andWithAChainThatNeverEnds() {
        assertEquals(BadPeer.TLS_HANDSHAKE, ofTls(null).badPeer());
        Exception first = new SSLException("first");
        Exception second = new SSLException("second", first);
        Throwable _ = first.initCause(second);
        assertEquals(CloseReason.TLS_FAILED, ofTls(first).reason());
    }

    @Test
    void blamesThePeer_onlyForAHandshakeThatItBrokeOff() {
        for (Transport.Failure failure :
                new Transport.Failure[] {Transport.Failure.CLOSED_BY_PEER, Transport.Failure.BROKEN}) {
            TunnelFailure before = TunnelFailure.of(failure, null, false);
            assertEquals(CloseReason.TLS_FAILED, before.reason());
            assertEquals(BadPeer.TLS_HANDSHAKE, before.badPeer());
            TunnelFailure after = TunnelFailure.of(failure, null, true);
            assertEquals(CloseReason.TUNNEL_LOST, after.reason());
            assertNull(after.badPeer());
        }
    }

    @Test
    void blamesNobodyForWhatIsOurs() {
        TunnelFailure noBuffer = TunnelFailure.of(Transport.Failure.NO_BUFFER, null, true);
        assertEquals(CloseReason.LIMIT_REACHED, noBuffer.reason());
        assertNull(noBuffer.badPeer());
        TunnelFailure fault = TunnelFailure.of(Transport.Failure.FAULT, new IllegalStateException("us"), true);
        assertEquals(CloseReason.BUG, fault.reason());
        assertEquals("java.lang.IllegalStateException: us", fault.detail());
        assertNull(fault.badPeer());
    }

    @Test
    void tellsFloodsFromMistakes() {
        assertEquals(BadPeer.HEADERS_TOO_LARGE, ofSession(Http2Code.ENHANCE_YOUR_CALM, AbuseKind.HEADER_BLOCK));
        for (AbuseKind kind : AbuseKind.values()) {
            if (kind != AbuseKind.HEADER_BLOCK) {
                assertEquals(BadPeer.HTTP2_FLOOD, ofSession(Http2Code.ENHANCE_YOUR_CALM, kind), kind::name);
            }
        }
        assertEquals(BadPeer.HTTP2_FLOOD, ofSession(Http2Code.ENHANCE_YOUR_CALM, null));
        assertEquals(BadPeer.HTTP2_FLOW_CONTROL, ofSession(Http2Code.FLOW_CONTROL_ERROR, null));
        assertEquals(BadPeer.HTTP2_PROTOCOL, ofSession(Http2Code.PROTOCOL_ERROR, null));
    }

    private static @Nullable BadPeer ofSession(int code, @Nullable AbuseKind abuse) {
        TunnelFailure failure = TunnelFailure.ofSession(code, "detail", abuse);
        assertEquals(CloseReason.H2_FAILED, failure.reason());
        assertEquals("detail", failure.detail());
        return failure.badPeer();
    }
}
