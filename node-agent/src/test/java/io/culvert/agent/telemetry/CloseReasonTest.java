package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CloseReasonTest {
    @Test
    void textsAreUnique() {
        Set<String> texts = new HashSet<>();
        for (CloseReason reason : CloseReason.values()) {
            assertTrue(texts.add(reason.text()), reason.text());
            assertTrue(texts.add(reason.sentence()), reason.sentence());
        }
    }

    @ParameterizedTest
    @EnumSource
    void sentencesAreSentences(CloseReason reason) {
        assertTrue(reason.sentence().endsWith("."), reason.sentence());
        assertTrue(Character.isUpperCase(reason.sentence().charAt(0)), reason.sentence());
        assertFalse(reason.text().endsWith("."), reason.text());
    }

    /** As dashboards have it: TLS that fails on the way out is a connection that was not made. */
    @Test
    void failuresToReachThePeerHaveOneFlag() {
        for (CloseReason reason : List.of(
                CloseReason.TLS_FAILED,
                CloseReason.PEER_IDENTITY_MISMATCH,
                CloseReason.HANDSHAKE_TIMEOUT,
                CloseReason.CONNECT_REFUSED_STATUS)) {
            assertEquals(ResponseFlag.CONNECT, reason.flag(), reason.label());
        }
    }

    /** As dashboards have it: the flag of HTTP/2 is for connections that it kept from being made. */
    @Test
    void failuresOfHttp2AreToldApart_byWhetherTheConnectionWasOpen() {
        for (CloseReason reason : CloseReason.values()) {
            boolean http2 = reason == CloseReason.H2_FAILED
                    || reason == CloseReason.STREAM_RESET
                    || reason == CloseReason.TUNNEL_LOST;
            assertEquals(
                    http2 ? ResponseFlag.H2_HANDSHAKE_FAILURE : reason.flag(), reason.openingFlag(), reason.label());
            if (http2) {
                assertEquals(ResponseFlag.CONNECT, reason.flag(), reason.label());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void onlyFailuresHaveAFlag(CloseReason reason) {
        assertEquals(reason.isFailure(), reason.flag() != ResponseFlag.NONE);
        assertEquals(reason.isFailure(), reason.openingFlag() != ResponseFlag.NONE);
    }
}
