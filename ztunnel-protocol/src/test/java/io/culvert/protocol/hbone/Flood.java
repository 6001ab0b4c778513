package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.util.List;
import java.util.function.IntFunction;

/** What the tests of floods share: an end that is ready for one, the flood, and how it must end. */
final class Flood {
    /** More than any end takes. */
    static final int PLENTY = 5_000;

    private Flood() {}

    /** An end whose peer has said hello and acknowledged our SETTINGS; with stream 1 open and answered. */
    static End ready(boolean server) {
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

    static End fresh(boolean server) {
        End end = server ? End.server() : End.client();
        if (server) {
            end.take(Wire.PREFACE);
        }
        end.take(Wire.settings());
        return end;
    }

    /** Sends until the end gives up, reading what it answers; returns how many it took. */
    static int flood(End end, IntFunction<byte[]> frame) {
        for (int i = 0; i < PLENTY; i++) {
            end.take(frame.apply(i));
            if (end.session.isFailed()) {
                return i;
            }
            end.drain();
        }
        throw new AssertionError("nobody stopped " + PLENTY + " frames");
    }

    static void assertCalmed(End end, AbuseKind kind) {
        assertEquals(kind, end.abuse);
        assertEquals(Http2Code.ENHANCE_YOUR_CALM, end.errorCode);
        List<Wire.Frame> said = Wire.split(end.drain());
        Wire.Frame last = said.get(said.size() - 1);
        assertEquals(FrameHeader.GOAWAY, last.type());
        assertEquals(Http2Code.ENHANCE_YOUR_CALM, last.int32(4));
        end.take(Wire.ping(false));
        assertEquals(0, end.session.pendingOutput());
    }
}
