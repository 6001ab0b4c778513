package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What breaks the rules of RFC 9113, and what it costs: the stream, or the connection. */
class ProtocolErrorTest {
    /** Octets after the handshake, and the connection error that they are. */
    static final class Wrong {
        private final String what;
        private final byte[] octets;
        private final int code;

        private Wrong(String what, byte[] octets, int code) {
            this.what = what;
            this.octets = octets;
            this.code = code;
        }

        @Override
        public String toString() {
            return what;
        }
    }

    private static Wrong wrong(String what, int code, byte[]... parts) {
        return new Wrong(what, Wire.concat(parts), code);
    }

    private static byte[] headersFrame(int flags, int stream, byte... payload) {
        return Wire.frame(FrameHeader.HEADERS, flags, stream, payload);
    }

    /** Wrong for either role. */
    static List<Wrong> anybody() {
        int protocol = Http2Code.PROTOCOL_ERROR;
        int size = Http2Code.FRAME_SIZE_ERROR;
        int endHeaders = FrameHeader.FLAG_END_HEADERS;
        return List.of(
                wrong("DATA on stream 0", protocol, Wire.data(0, false, 1)),
                wrong("DATA on an idle stream", protocol, Wire.data(7, false, 1)),
                wrong("DATA on an even stream", protocol, Wire.data(2, false, 1)),
                wrong("DATA padded past its end", protocol, Wire.frame(0, FrameHeader.FLAG_PADDED, 1, (byte) 1)),
                wrong("DATA without its pad length", size, Wire.frame(0, FrameHeader.FLAG_PADDED, 1)),
                wrong("a frame past the maximum", size, Wire.frame(0, 0, 1, new byte[(1 << 20) + 1])),
                wrong("HEADERS on stream 0", protocol, headersFrame(endHeaders, 0)),
                wrong("HEADERS on an even stream", protocol, headersFrame(endHeaders, 2)),
                wrong("HEADERS padded past its end", protocol, headersFrame(FrameHeader.FLAG_PADDED, 3, (byte) 9)),
                wrong("HEADERS too short for priority", size, headersFrame(FrameHeader.FLAG_PRIORITY, 3, new byte[4])),
                wrong("HEADERS then PING", protocol, headersFrame(0, 3), Wire.ping(false)),
                wrong("HEADERS then an unknown frame", protocol, headersFrame(0, 3), Wire.frame(0xEE, 0, 3)),
                wrong(
                        "CONTINUATION of another stream",
                        protocol,
                        headersFrame(0, 3),
                        Wire.frame(FrameHeader.CONTINUATION, endHeaders, 5)),
                wrong("CONTINUATION of nothing", protocol, Wire.frame(FrameHeader.CONTINUATION, endHeaders, 1)),
                wrong("a header block that is no HPACK", Http2Code.COMPRESSION_ERROR, headersFrame(4, 3, (byte) 0x80)),
                wrong("PRIORITY on stream 0", protocol, Wire.priority(0, 1)),
                wrong("PRIORITY on itself", protocol, Wire.priority(3, 3)),
                wrong("PRIORITY of a wrong size", size, Wire.frame(FrameHeader.PRIORITY, 0, 1, new byte[4])),
                wrong("RST_STREAM on stream 0", protocol, Wire.reset(0, 0)),
                wrong("RST_STREAM on an idle stream", protocol, Wire.reset(9, 0)),
                wrong("RST_STREAM of a wrong size", size, Wire.frame(FrameHeader.RST_STREAM, 0, 1, new byte[3])),
                wrong("SETTINGS on a stream", protocol, Wire.frame(FrameHeader.SETTINGS, 0, 1)),
                wrong("SETTINGS of a wrong size", size, Wire.frame(FrameHeader.SETTINGS, 0, 0, new byte[7])),
                wrong("SETTINGS ACK with a payload", size, Wire.frame(FrameHeader.SETTINGS, 1, 0, new byte[6])),
                wrong("ENABLE_PUSH of 2", protocol, Wire.settings(FrameHeader.SETTING_ENABLE_PUSH, 2)),
                wrong(
                        "INITIAL_WINDOW_SIZE of 2^31",
                        Http2Code.FLOW_CONTROL_ERROR,
                        Wire.settings(FrameHeader.SETTING_INITIAL_WINDOW_SIZE, 1 << 31)),
                wrong("MAX_FRAME_SIZE too small", protocol, Wire.settings(FrameHeader.SETTING_MAX_FRAME_SIZE, 16_383)),
                wrong("MAX_FRAME_SIZE too big", protocol, Wire.settings(FrameHeader.SETTING_MAX_FRAME_SIZE, 1 << 24)),
                wrong("PUSH_PROMISE", protocol, Wire.frame(FrameHeader.PUSH_PROMISE, 4, 1, Wire.int32(2))),
                wrong("PING on a stream", protocol, Wire.frame(FrameHeader.PING, 0, 1, new byte[8])),
                wrong("PING of a wrong size", size, Wire.frame(FrameHeader.PING, 0, 0, new byte[7])),
                wrong("GOAWAY on a stream", protocol, Wire.frame(FrameHeader.GOAWAY, 0, 1, new byte[8])),
                wrong("GOAWAY of a wrong size", size, Wire.frame(FrameHeader.GOAWAY, 0, 0, new byte[7])),
                wrong("WINDOW_UPDATE of 0", protocol, Wire.windowUpdate(0, 0)),
                wrong("WINDOW_UPDATE on an idle stream", protocol, Wire.windowUpdate(11, 1)),
                wrong("WINDOW_UPDATE of a wrong size", size, Wire.frame(FrameHeader.WINDOW_UPDATE, 0, 0, new byte[5])));
    }

    static List<Wrong> client() {
        return List.of(
                wrong("a stream id below the last", Http2Code.PROTOCOL_ERROR, Wire.connect(9), Wire.connect(7)),
                wrong("HEADERS on a closed stream", Http2Code.STREAM_CLOSED, Wire.reset(1, 0), Wire.connect(1)));
    }

    static List<Wrong> server() {
        return List.of(
                wrong("a response to no request", Http2Code.PROTOCOL_ERROR, Wire.ok(5)),
                wrong("ENABLE_PUSH of 1", Http2Code.PROTOCOL_ERROR, Wire.settings(FrameHeader.SETTING_ENABLE_PUSH, 1)),
                wrong("HEADERS on a closed stream", Http2Code.STREAM_CLOSED, Wire.reset(1, 0), Wire.ok(1)));
    }

    /** A server or client with stream 1 open. */
    private static End ready(boolean server) {
        End end = server ? End.server() : End.client();
        if (server) {
            end.take(Wire.concat(Wire.PREFACE, Wire.settings(), Wire.connect(1)));
        } else {
            end.take(Wire.settings());
            end.connect("10.0.0.1:80");
            end.take(Wire.ok(1));
        }
        end.drain();
        return end;
    }

    private static void assertEndsConnection(End end, Wrong wrong) {
        end.take(wrong.octets);
        assertEquals(Http2Code.name(wrong.code), Http2Code.name(end.errorCode));
        List<Wire.Frame> said = Wire.split(end.drain());
        assertEquals(FrameHeader.GOAWAY, said.get(said.size() - 1).type());
        assertTrue(end.session.isFinished());
        end.take(Wire.ping(false));
        end.session.goAway(0, true);
        end.session.reset(end.stream(1), 0);
        assertEquals(0, end.session.pendingOutput());
    }

    @ParameterizedTest
    @MethodSource("anybody")
    void endsTheServersConnection(Wrong wrong) {
        assertEndsConnection(ready(true), wrong);
    }

    @ParameterizedTest
    @MethodSource("anybody")
    void endsTheClientsConnection(Wrong wrong) {
        assertEndsConnection(ready(false), wrong);
    }

    @ParameterizedTest
    @MethodSource("client")
    void endsTheServersConnection_forWhatOnlyAClientCanDo(Wrong wrong) {
        assertEndsConnection(ready(true), wrong);
    }

    @ParameterizedTest
    @MethodSource("server")
    void endsTheClientsConnection_forWhatOnlyAServerCanDo(Wrong wrong) {
        assertEndsConnection(ready(false), wrong);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", "\u0016\u0003\u0001"})
    void refusesAnythingButThePreface(String text) {
        End end = End.server();
        end.take(text.getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(Http2Code.PROTOCOL_ERROR, end.errorCode);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void refusesAnythingButSettingsFirst(boolean server) {
        for (byte[] first : List.of(Wire.ping(false), Wire.settingsAck(), Wire.frame(0xEE, 0, 0))) {
            End end = server ? End.server() : End.client();
            if (server) {
                end.take(Wire.PREFACE);
            }
            end.take(first);
            assertEquals(Http2Code.PROTOCOL_ERROR, end.errorCode);
        }
    }

    private static String malformed(String... namesAndValues) {
        End end = ready(true);
        end.take(Wire.headers(3, true, namesAndValues));
        assertFalse(end.session.isFailed());
        assertEquals(1, end.session.openStreams());
        List<String> said =
                Wire.split(end.drain()).stream().map(Object::toString).toList();
        String event = end.events.get(end.events.size() - 1);
        return event + " " + said;
    }

    @Test
    void answersOtherMethodsWith400() {
        String expected = "malformed 3 NOT_CONNECT [HEADERS 3 END]";
        for (String method : List.of("GET", "POST", "connect", "PRI", "OPTIONS")) {
            assertEquals(expected, malformed(":method", method, ":scheme", "https", ":path", "/", ":authority", "a"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", ":80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "[::1]", "[::1:80", "a b:80"})
    void answersBadAuthoritiesWith400(String authority) {
        String event = malformed(":method", "CONNECT", ":authority", authority);
        assertEquals("malformed 3 AUTHORITY_MALFORMED [HEADERS 3 END]", event);
    }

    @Test
    void answersMalformedRequestsWith400AndAProtocolError() {
        String expected = "malformed 3 MALFORMED [HEADERS 3, RST 3 PROTOCOL_ERROR]";
        assertEquals(expected, malformed(":authority", "a:1"));
        assertEquals(expected, malformed(":method", "CONNECT"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", ":path", "/"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", ":protocol", "websocket"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", ":authority", "a:1"));
        assertEquals(expected, malformed("x", "y", ":method", "CONNECT", ":authority", "a:1"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "Baggage", "a=b"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "x", "a\nb"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "x", "a\0b"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "x", " a"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "", "a"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "connection", "close"));
        assertEquals(expected, malformed(":method", "CONNECT", ":authority", "a:1", "te", "gzip"));
        assertEquals(expected, malformed(":method", "CONNECT", ":status", "200", ":authority", "a:1"));
    }

    @Test
    void answersLongHeaderListsWith431_andGoesOn() {
        End end = ready(true);
        byte[] block = Wire.block(":method", "CONNECT", ":authority", "a:1", "x", "y".repeat(65_000), "z", "1");
        byte[] whole = Wire.concat(block, Wire.block("w", "v".repeat(400)));
        assertTrue(whole.length < 65_536);
        end.take(headersFrame(FrameHeader.FLAG_END_HEADERS | FrameHeader.FLAG_END_STREAM, 3, whole));
        assertEquals("malformed 3 HEADERS_TOO_LARGE", end.events.get(end.events.size() - 1));
        end.take(Wire.connect(5));
        assertTrue(end.saw("connect 5 10.0.0.1:80"));
    }

    @Test
    void keepsTelemetryHeadersWithinTheirBounds() {
        End end = ready(true);
        String longText = "a".repeat(5_000);
        end.take(Wire.headers(
                3,
                false,
                ":method",
                "CONNECT",
                ":authority",
                "a:1",
                "baggage",
                longText,
                "forwarded",
                longText,
                "traceparent",
                longText,
                "x-forwarded-network",
                longText,
                "user-agent",
                longText));
        ConnectRequest request = end.requests.get(end.requests.size() - 1);
        assertEquals(ConnectRequest.to(new ConnectTarget.HostTarget("a", 1)), request);
        end.take(Wire.headers(
                5,
                false,
                ":method",
                "CONNECT",
                ":authority",
                "a:1",
                "baggage",
                "a=1",
                "baggage",
                "b=2",
                "forwarded",
                "for=x",
                "forwarded",
                "for=y"));
        request = end.requests.get(end.requests.size() - 1);
        assertEquals("a=1,b=2", request.baggage());
        assertEquals("for=x", request.forwarded());
    }

    @Test
    void dropsBaggageOfTooManyLines() {
        String[] fields = new String[4 + 2 * 17];
        java.util.Arrays.fill(fields, "a=1");
        fields[0] = ":method";
        fields[1] = "CONNECT";
        fields[2] = ":authority";
        fields[3] = "a:1";
        for (int i = 4; i < fields.length; i += 2) {
            fields[i] = "baggage";
        }
        End end = ready(true);
        end.take(Wire.headers(3, false, fields));
        assertEquals(
                ConnectRequest.to(new ConnectTarget.HostTarget("a", 1)), end.requests.get(end.requests.size() - 1));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void takesTrailersForTheEnd(boolean server) {
        End end = ready(server);
        end.take(Wire.headers(1, true, "grpc-status", "0"));
        assertTrue(end.saw("end 1"));
        assertTrue(end.stream(1).isRemoteEnded());
        assertFalse(end.session.isFailed());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void resetsAStreamForBadTrailers(boolean server) {
        End end = ready(server);
        end.take(Wire.headers(1, true, ":status", "200"));
        assertTrue(end.saw("reset 1 PROTOCOL_ERROR"));
        assertFalse(end.session.isFailed());
    }

    @Test
    void passesOverInterimResponses() {
        End end = ready(false);
        end.connect("10.0.0.1:80");
        end.take(Wire.headers(3, false, ":status", "103", "link", "x"));
        end.take(Wire.headers(3, false, ":status", "200", "baggage", "a=b"));
        assertTrue(end.saw("response 3 200 a=b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "20", "2000", "abc", "099", "600", "101", "2x0"})
    void resetsAStreamForAResponseThatIsNone(String status) {
        End end = ready(false);
        end.connect("10.0.0.1:80");
        end.take(Wire.headers(3, false, ":status", status));
        assertTrue(end.saw("reset 3 PROTOCOL_ERROR"));
        assertFalse(end.session.isFailed());
    }

    @Test
    void resetsAStreamForDataBeforeTheResponse_andForAnInterimResponseThatEnds() {
        End end = ready(false);
        end.connect("10.0.0.1:80");
        end.connect("10.0.0.1:80");
        end.take(Wire.data(3, false, 1));
        assertTrue(end.saw("reset 3 PROTOCOL_ERROR"));
        end.take(Wire.headers(5, true, ":status", "100"));
        assertTrue(end.saw("reset 5 PROTOCOL_ERROR"));
    }

    @Test
    void sendsNothingAfterAStatusOtherThan200() {
        End end = ready(false);
        end.connect("10.0.0.1:80");
        end.take(Wire.headers(3, false, ":status", "204"));
        assertEquals(0, end.session.sendable(end.stream(3)));
        assertFalse(end.stream(3).isConnected());
    }

    @Test
    void answersConnectThatEndsAtOnce() {
        End end = ready(true);
        end.take(Wire.headers(3, true, ":method", "CONNECT", ":authority", "a:1"));
        assertEquals(List.of("connect 3 a:1", "end 3"), end.events.subList(end.events.size() - 2, end.events.size()));
        end.session.end(end.stream(3));
        assertTrue(end.stream(3).isClosed());
    }

    @Test
    void refusesStreamsAfterItsLastGoAway_withoutEndingTheOthers() {
        End end = ready(true);
        end.session.goAway(Http2Code.NO_ERROR, false);
        for (int id = 3; id < 400; id += 2) {
            end.take(Wire.connect(id));
        }
        assertFalse(end.session.isFailed());
        assertEquals(1, end.session.openStreams());
        assertTrue(Wire.split(end.drain()).stream().anyMatch(f -> f.toString().equals("RST 399 REFUSED_STREAM")));
        end.take(Wire.data(1, false, 5));
        assertEquals(5, end.received(1).length);
    }

    @Test
    void answersADrainPingOnce() {
        End end = ready(true);
        end.session.goAway(Http2Code.NO_ERROR, true);
        end.session.goAway(Http2Code.NO_ERROR, true);
        List<Wire.Frame> said = Wire.split(end.drain());
        assertEquals("[GOAWAY 2147483647 NO_ERROR, PING]", said.toString());
        byte[] pong = Wire.frame(FrameHeader.PING, 1, 0, said.get(1).payload());
        end.take(pong);
        end.take(pong);
        assertEquals("[GOAWAY 1 NO_ERROR]", Wire.split(end.drain()).toString());
    }

    @Test
    void announcesAndEnforcesAnotherHeaderTable() {
        End end = End.server(HboneSettings.forServer().withHeaderTableBytes(0));
        end.take(Wire.concat(Wire.PREFACE, Wire.settings(), Wire.settingsAck()));
        end.take(Wire.connect(1));
        assertEquals(Http2Code.COMPRESSION_ERROR, end.errorCode);
    }
}
