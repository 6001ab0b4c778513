package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every flood ends in GOAWAY(ENHANCE_YOUR_CALM) with its kind named, and honest use of the same frames does not. */
class FloodTest {
    private static final int PLENTY = 5_000;

    /** An end whose peer has said hello and acknowledged our SETTINGS; with stream 1 open and answered. */
    private static End ready(boolean server) {
        End end = fresh(server);
        end.take(Wire.settingsAck());
        if (server) {
            end.take(Wire.connect(1));
        } else {
            end.connect("10.0.0.1:80");
            end.take(Wire.ok(1));
        }
        assertTrue(end.session.openStreams() == 1 && !end.session.isFailed());
        return end;
    }

    private static End fresh(boolean server) {
        End end = server ? End.server() : End.client();
        if (server) {
            end.take(Wire.PREFACE);
        }
        end.take(Wire.settings());
        return end;
    }

    /** Sends until the end gives up, reading what it answers; returns how many it took. */
    private static int flood(End end, IntFunction<byte[]> frame) {
        for (int i = 0; i < PLENTY; i++) {
            end.take(frame.apply(i));
            if (end.session.isFailed()) {
                return i;
            }
            end.drain();
        }
        throw new AssertionError("nobody stopped " + PLENTY + " frames");
    }

    private static void assertCalmed(End end, AbuseKind kind) {
        assertEquals(kind, end.abuse);
        assertEquals(Http2Code.ENHANCE_YOUR_CALM, end.errorCode);
        List<Wire.Frame> said = Wire.split(end.drain());
        Wire.Frame last = said.get(said.size() - 1);
        assertEquals(FrameHeader.GOAWAY, last.type());
        assertEquals(Http2Code.ENHANCE_YOUR_CALM, last.int32(4));
        end.take(Wire.ping(false));
        assertEquals(0, end.session.pendingOutput());
    }

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

    private static byte[] openedAndReset(int i) {
        return Wire.concat(Wire.connect(2 * i + 3), Wire.reset(2 * i + 3, Http2Code.CANCEL));
    }

    /** A server whose answers take their time, as they do when an application has to be reached first. */
    private static End slowServer() {
        End end = ready(true);
        end.acceptAtOnce = false;
        return end;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsRapidReset(boolean acceptedAtOnce) {
        End end = slowServer();
        end.acceptAtOnce = acceptedAtOnce;
        assertEquals(3_000, flood(end, FloodTest::openedAndReset));
        assertEquals(1_001, end.requests.size(), "the application is asked no more than that");
        assertCalmed(end, AbuseKind.RAPID_RESET);
    }

    @Test
    void stopsRapidReset_ofStreamsThatAreRefusedAnyway() {
        End end = slowServer();
        int taken = flood(end, i -> {
            int id = 2 * i + 3;
            end.take(Wire.connect(id));
            HboneStream asked = end.streams.get(id);
            if (asked != null) {
                end.session.refuse(asked, 503);
            }
            return Wire.reset(id, Http2Code.CANCEL);
        });
        assertEquals(3_000, taken);
        assertEquals(1_001, end.requests.size());
        assertCalmed(end, AbuseKind.RAPID_RESET);
    }

    @Test
    void refusesNewStreamsAfterManyUnusedResets_andTheOthersGoOn() {
        End end = slowServer();
        for (int i = 0; i < 1_100; i++) {
            end.take(openedAndReset(i));
        }
        end.drain();
        end.take(Wire.connect(9_001));
        assertEquals("[RST 9001 REFUSED_STREAM]", Wire.split(end.drain()).toString());
        end.take(Wire.data(1, false, 10));
        assertEquals(10, end.received(1).length);
        end.take(Wire.ping(false));
        end.nanos += 100_000_000;
        end.take(Wire.connect(9_003));
        assertTrue(end.saw("connect 9003 10.0.0.1:80"));
        assertFalse(end.session.isFailed());
    }

    @Test
    void doesNotMindResetsOfStreamsThatWereUsed() {
        End end = ready(true);
        for (int id = 3; id < 2 * PLENTY; id += 2) {
            end.take(Wire.concat(Wire.connect(id), Wire.data(id, false, 10), Wire.reset(id, Http2Code.CONNECT_ERROR)));
            end.drain();
        }
        assertFalse(end.session.isFailed());
        assertEquals(PLENTY, end.requests.size());
    }

    /** Applications that connect and close at once, for a minute, also when half a second comes in one go. */
    @ParameterizedTest
    @ValueSource(ints = {1, 100, 1_000})
    void doesNotMindTwoThousandUnusedResetsASecond(int atOnce) {
        End end = slowServer();
        for (int i = 0; i < 60 * 2_000; i++) {
            if (i % atOnce == 0) {
                end.nanos += 500_000L * atOnce;
            }
            end.take(openedAndReset(i));
            end.drain();
        }
        assertFalse(end.session.isFailed());
        assertEquals(60 * 2_000 + 1, end.requests.size());
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byWindowUpdatesOfZero() {
        End end = ready(true);
        int taken = flood(end, i -> Wire.concat(Wire.connect(2 * i + 3), Wire.windowUpdate(2 * i + 3, 0)));
        assertEquals(50, taken);
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byWindowOverflow() {
        End end = ready(true);
        int taken =
                flood(end, i -> Wire.concat(Wire.connect(2 * i + 3), Wire.windowUpdate(2 * i + 3, Integer.MAX_VALUE)));
        assertEquals(50, taken);
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byDataAfterItsEnd() {
        End end = ready(true);
        int taken = flood(
                end,
                i -> Wire.concat(
                        Wire.connect(2 * i + 3), Wire.data(2 * i + 3, true, 1), Wire.data(2 * i + 3, false, 1)));
        assertEquals(50, taken);
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byTrailersThatEndNothing() {
        End end = ready(true);
        int taken = flood(end, i -> Wire.concat(Wire.connect(2 * i + 3), Wire.headers(2 * i + 3, false, "a", "b")));
        assertEquals(50, taken);
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byDependingOnItself() {
        End end = ready(true);
        int taken = flood(end, i -> {
            int id = 2 * i + 3;
            byte[] block = Wire.block(":method", "CONNECT", ":authority", "a:1");
            int flags = FrameHeader.FLAG_END_HEADERS | FrameHeader.FLAG_PRIORITY;
            byte[] payload = Wire.concat(Wire.int32(id), new byte[1], block);
            return Wire.frame(FrameHeader.HEADERS, flags, id, payload);
        });
        assertEquals(50, taken);
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void neverResetsForATinyHeaderListLimitOfThePeer() {
        End end = ready(true);
        end.acceptAtOnce = false;
        end.take(Wire.settings(FrameHeader.SETTING_MAX_HEADER_LIST_SIZE, 1));
        end.take(Wire.connect(3));
        end.drain();
        end.session.accept(end.stream(3), "k8s.namespace.name=default");
        List<Wire.Frame> said = Wire.split(end.drain());
        assertEquals("[HEADERS 3]", said.toString());
        assertEquals(1, said.get(0).payload().length);
    }

    @Test
    void stopsStreamsPastTheLimit_atOnceWhenThePeerKnowsTheLimit() {
        End end = ready(true);
        for (int id = 3; id < 401; id += 2) {
            end.take(Wire.connect(id));
        }
        assertEquals(200, end.session.openStreams());
        end.drain();
        end.take(Wire.connect(401));
        assertEquals("[RST 401 REFUSED_STREAM]", Wire.split(end.drain()).toString());
        assertEquals(200, end.session.openStreams());
        assertEquals(19, flood(end, i -> Wire.connect(2 * i + 403)));
        assertCalmed(end, AbuseKind.STREAM_EXCESS);
    }

    @Test
    void refusesStreamsPastTheLimit_asLongAsThePeerCannotKnowTheLimit() {
        End end = fresh(true);
        assertEquals(700, flood(end, i -> Wire.connect(2 * i + 1)));
        assertEquals(200, end.session.openStreams());
        assertCalmed(end, AbuseKind.STREAM_EXCESS);
    }

    @Test
    void stopsMalformedRequests() {
        End end = ready(true);
        int taken = flood(end, i -> Wire.headers(2 * i + 3, true, ":method", "GET", ":scheme", "http", ":path", "/"));
        assertEquals(100, taken);
        assertCalmed(end, AbuseKind.MALFORMED_REQUEST);
    }

    @Test
    void stopsInterimResponses() {
        End end = ready(false);
        end.connect("10.0.0.1:80");
        assertEquals(100, flood(end, i -> Wire.headers(3, false, ":status", "103")));
        assertCalmed(end, AbuseKind.INTERIM_RESPONSE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void stopsResetsOfAStreamThatIsClosed(boolean server) {
        End end = ready(server);
        assertEquals(1_002, flood(end, i -> Wire.reset(1, Http2Code.CANCEL)));
        assertCalmed(end, AbuseKind.CLOSED_STREAM);
    }

    @Test
    void stopsDataForStreamsThatClosedLongAgo() {
        End end = ready(true);
        end.take(Wire.reset(1, Http2Code.CANCEL));
        assertEquals(50, flood(end, i -> Wire.data(1, false, 1)));
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void dropsDataInFlight_whenItResetsAStream_andGivesTheCreditBack(boolean server) {
        End end = ready(server);
        end.session.reset(end.stream(1), Http2Code.CANCEL);
        end.drain();
        long returned = 0;
        for (int i = 0; i < (4 << 20) / 1_024; i++) {
            end.take(Wire.data(1, false, 1_024));
            for (Wire.Frame f : Wire.split(end.drain())) {
                assertEquals("WINDOW_UPDATE 0 " + f.int32(0), f.toString());
                returned += f.int32(0);
            }
        }
        assertFalse(end.session.isFailed());
        assertEquals(16 << 20, end.session.receiveCredit());
        assertEquals(0, returned);
        assertEquals(0, end.received(1).length);
        assertEquals(1_000 + 4, flood(end, i -> Wire.data(1, false, 1_024)));
        assertCalmed(end, AbuseKind.CLOSED_STREAM);
    }

    /** The peer stood still, and then answers everything that we have given up meanwhile. */
    @Test
    void doesNotMindAnswersToStreamsThatItGaveUpLongAgo() {
        End end = ready(false);
        int streams = 20_000;
        for (int i = 0; i < streams; i++) {
            HboneStream s = end.connect("10.0.0.1:80");
            end.session.reset(s, Http2Code.CANCEL);
            end.drain();
        }
        for (int id = 3; id < 2 * streams; id += 2) {
            end.take(Wire.concat(Wire.ok(id), Wire.data(id, false, 1_000), Wire.windowUpdate(0, 1)));
            end.take(id % 4 == 1 ? Wire.data(id, true, 0) : Wire.reset(id, Http2Code.CANCEL));
            end.nanos += 10_000_000;
        }
        assertFalse(end.session.isFailed(), () -> end.events.getLast());
        assertEquals(16 << 20, end.session.receiveCredit());
        end.take(Wire.data(1, false, 10));
        assertEquals(10, end.received(1).length);
    }

    @Test
    void doesNotMindLateData_ofMoreStreamsThanAnybodyCountsPast() {
        End end = ready(true);
        for (int id = 3; id < 2_000; id += 2) {
            end.take(Wire.connect(id));
            end.session.reset(end.stream(id), Http2Code.CONNECT_ERROR);
            end.drain();
        }
        for (int id = 3; id < 2_000; id += 2) {
            end.take(Wire.data(id, false, 10_000));
            end.take(Wire.data(id, true, 0));
        }
        assertFalse(end.session.isFailed());
        assertEquals(16 << 20, end.session.receiveCredit());
    }

    @Test
    void stopsAnswersToStreamsThatWereNeverGivenUp() {
        End end = ready(false);
        for (int id = 3; id < 100; id += 2) {
            end.connect("10.0.0.1:80");
            end.take(Wire.headers(id, true, ":status", "404"));
            end.session.reset(end.stream(id), Http2Code.NO_ERROR);
            end.drain();
        }
        assertEquals(1_000, flood(end, i -> Wire.ok(3)));
        assertCalmed(end, AbuseKind.CLOSED_STREAM);
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
