package io.culvert.protocol.hbone;

import static io.culvert.protocol.hbone.Flood.PLENTY;
import static io.culvert.protocol.hbone.Flood.assertCalmed;
import static io.culvert.protocol.hbone.Flood.flood;
import static io.culvert.protocol.hbone.Flood.fresh;
import static io.culvert.protocol.hbone.Flood.ready;
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

/**
 * Streams that cost their opener nothing: asked for without end, reset at once or made to be reset, and answered when they are
 * over. Such a flood is stopped, and honest peers that look alike are not.
 */
class StreamFloodTest {
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
        assertEquals(3_000, flood(end, StreamFloodTest::openedAndReset));
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

    /** Every stream is opened and gets itself reset by what is sent for its id. */
    private static void stopsProvokedResets(IntFunction<byte[]> sent) {
        End end = ready(true);
        assertEquals(50, flood(end, i -> sent.apply(2 * i + 3)));
        assertCalmed(end, AbuseKind.PROVOKED_RESET);
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byWindowUpdatesOfZero() {
        stopsProvokedResets(id -> Wire.concat(Wire.connect(id), Wire.windowUpdate(id, 0)));
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byWindowOverflow() {
        stopsProvokedResets(id -> Wire.concat(Wire.connect(id), Wire.windowUpdate(id, Integer.MAX_VALUE)));
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byDataAfterItsEnd() {
        stopsProvokedResets(id -> Wire.concat(Wire.connect(id), Wire.data(id, true, 1), Wire.data(id, false, 1)));
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byTrailersThatEndNothing() {
        stopsProvokedResets(id -> Wire.concat(Wire.connect(id), Wire.headers(id, false, "a", "b")));
    }

    @Test
    void stopsResetsThatThePeerMakesUsSend_byDependingOnItself() {
        stopsProvokedResets(id -> {
            byte[] block = Wire.block(":method", "CONNECT", ":authority", "a:1");
            int flags = FrameHeader.FLAG_END_HEADERS | FrameHeader.FLAG_PRIORITY;
            byte[] payload = Wire.concat(Wire.int32(id), new byte[1], block);
            return Wire.frame(FrameHeader.HEADERS, flags, id, payload);
        });
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
}
