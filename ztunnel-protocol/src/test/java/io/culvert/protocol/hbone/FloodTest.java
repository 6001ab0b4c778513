package io.culvert.protocol.hbone;

import static io.culvert.protocol.hbone.Flood.PLENTY;
import static io.culvert.protocol.hbone.Flood.assertCalmed;
import static io.culvert.protocol.hbone.Flood.flood;
import static io.culvert.protocol.hbone.Flood.ready;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every flood of frames ends in GOAWAY(ENHANCE_YOUR_CALM) with its kind named, and honest use of the same frames does not. */
class FloodTest {
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsEmptyData(boolean server) {
        End end = ready(server);
        assertEquals(100, flood(end, i -> Wire.data(1, false, 0)));
        assertCalmed(end, AbuseKind.EMPTY_DATA);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsDataThatIsAllPadding(boolean server) {
        End end = ready(server);
        assertEquals(100, flood(end, i -> Wire.padded(1, 0, 255)));
        assertCalmed(end, AbuseKind.EMPTY_DATA);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsPings(boolean server) {
        End end = ready(server);
        assertEquals(200, flood(end, i -> Wire.ping(false)));
        assertCalmed(end, AbuseKind.PING);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsAnswersToPingsThatWereNeverSent(boolean server) {
        End end = ready(server);
        assertEquals(200, flood(end, i -> Wire.ping(true)));
        assertCalmed(end, AbuseKind.PING);
        assertFalse(end.saw("pong 0"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsSettings(boolean server) {
        End end = ready(server);
        assertEquals(49, flood(end, i -> Wire.settings(4, i)));
        assertCalmed(end, AbuseKind.SETTINGS);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsAcknowledgementsOfNothing(boolean server) {
        End end = ready(server);
        assertEquals(49, flood(end, i -> Wire.settingsAck()));
        assertCalmed(end, AbuseKind.SETTINGS);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsOneEndlessSettingsFrame(boolean server) {
        End end = ready(server);
        end.take(Wire.settings(new int[65 * 2]));
        assertCalmed(end, AbuseKind.SETTINGS);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsWindowUpdatesThatNoDataCallsFor(boolean server) {
        End end = ready(server);
        assertEquals(2_000, flood(end, i -> Wire.windowUpdate(i & 1, 1)));
        assertCalmed(end, AbuseKind.WINDOW_UPDATE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsWindowUpdatesOnAClosedStream(boolean server) {
        End end = ready(server);
        end.take(Wire.reset(1, Http2Code.CANCEL));
        assertEquals(2_000, flood(end, i -> Wire.windowUpdate(1, 1)));
        assertCalmed(end, AbuseKind.WINDOW_UPDATE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsPriorities(boolean server) {
        End end = ready(server);
        assertEquals(1_000, flood(end, i -> Wire.priority(2 * i + 1, 0)));
        assertCalmed(end, AbuseKind.PRIORITY);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsFramesOfUnknownType(boolean server) {
        End end = ready(server);
        assertEquals(200, flood(end, i -> Wire.frame(0xBE, i, i)));
        assertCalmed(end, AbuseKind.UNKNOWN_FRAME);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsBigFramesOfUnknownTypeSooner(boolean server) {
        End end = ready(server);
        byte[] big = Wire.frame(0xBE, 0, 0, new byte[1 << 20]);
        assertEquals(3, flood(end, i -> big));
        assertCalmed(end, AbuseKind.UNKNOWN_FRAME);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsGoAways(boolean server) {
        End end = ready(server);
        assertEquals(20, flood(end, i -> Wire.goAway(Integer.MAX_VALUE, 0)));
        assertCalmed(end, AbuseKind.GOAWAY);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsEmptyContinuations(boolean server) {
        End end = ready(server);
        end.take(Wire.frame(FrameHeader.HEADERS, 0, 3));
        assertTrue(end.session.insideHeaderBlock());
        assertEquals(16, flood(end, i -> Wire.frame(FrameHeader.CONTINUATION, 0, 3)));
        assertCalmed(end, AbuseKind.HEADER_BLOCK);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsEndlessHeaderBlocks(boolean server) {
        End end = ready(server);
        end.take(Wire.frame(FrameHeader.HEADERS, 0, 3, new byte[5_000]));
        int taken = flood(end, i -> Wire.frame(FrameHeader.CONTINUATION, 0, 3, new byte[5_000]));
        assertEquals(server ? 12 : 2, taken);
        assertCalmed(end, AbuseKind.HEADER_BLOCK);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsOneHugeHeadersFrame_whileItArrives(boolean server) {
        End end = ready(server);
        byte[] huge = Wire.frame(FrameHeader.HEADERS, FrameHeader.FLAG_END_HEADERS, 3, new byte[1 << 20]);
        end.take(huge, 0, 70_000);
        assertCalmed(end, AbuseKind.HEADER_BLOCK);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givesUpOnAPeerThatProvokesAnswersAndDoesNotReadThem(boolean server) {
        HboneSettings small =
                (server ? HboneSettings.forServer() : HboneSettings.forClient()).withOutputBytesMax(4_096);
        End end = server ? End.server(small) : End.client(small);
        if (server) {
            end.take(Wire.PREFACE);
        }
        end.take(Wire.settings());
        for (int i = 0; i < PLENTY && !end.session.isFailed(); i++) {
            end.nanos += 1_000_000_000;
            end.take(Wire.ping(false));
        }
        assertTrue(end.session.pendingOutput() < 4_096 + 200);
        assertCalmed(end, AbuseKind.OUTPUT_BACKLOG);
    }

    @Test
    void opensNothingWhileTheOutputIsHalfFull() {
        End end = End.client(HboneSettings.forClient().withOutputBytesMax(4_096));
        int opened = 0;
        while (end.session.canOpen()) {
            end.connect(ConnectRequest.to(new ConnectTarget.HostTarget("a".repeat(60) + ".b", 1)));
            opened++;
        }
        assertTrue(opened > 5 && end.session.pendingOutput() < 2_300);
        end.drain();
        assertTrue(end.session.canOpen());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void doesNotMindKeepaliveForDays(boolean server) {
        End end = ready(server);
        for (int i = 0; i < 100_000; i++) {
            end.nanos += 1_000_000_000L;
            end.take(Wire.concat(Wire.ping(false), Wire.settings(), Wire.data(1, false, 0)));
            end.drain();
        }
        assertFalse(end.session.isFailed());
    }

    @Test
    void doesNotMindAWindowUpdatePerFewHundredOctets() {
        End end = ready(false);
        HboneStream s = end.stream(1);
        byte[] payload = new byte[16_384];
        end.take(Wire.windowUpdate(0, 1 << 30));
        end.take(Wire.windowUpdate(1, 1 << 30));
        for (int i = 0; i < 2_000; i++) {
            assertEquals(16_384, end.send(s, payload, 0, false));
            for (int j = 0; j < 16; j++) {
                end.take(Wire.windowUpdate(j & 1, 1024));
            }
            end.drain();
        }
        assertFalse(end.session.isFailed());
    }
}
