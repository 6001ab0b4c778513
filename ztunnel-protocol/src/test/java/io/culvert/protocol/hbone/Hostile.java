package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.testkit.Gen;
import java.util.List;

/** What must hold of a session whatever octets it was fed. */
final class Hostile {
    private static final int CLIENT_STREAMS = 3;

    private Hostile() {}

    /** Feeds the octets to a fresh session, whole and in pieces, and checks both. */
    static void check(Gen gen, boolean server, byte[] octets) {
        End whole = feed(gen, server, octets, false);
        End pieces = feed(gen, server, octets, true);
        assertEquals(whole.events, pieces.events);
        assertEquals(whole.errorCode, pieces.errorCode);
        for (int id : whole.streams.keySet()) {
            assertEquals(whole.received(id).length, pieces.received(id).length);
        }
    }

    private static End feed(Gen gen, boolean server, byte[] octets, boolean inPieces) {
        End end = server ? End.server() : End.client();
        for (int i = 0; !server && i < CLIENT_STREAMS; i++) {
            end.connect("10.0.0.1:80");
        }
        end.drain();
        for (int at = 0; at < octets.length; ) {
            int n = inPieces ? Math.min(octets.length - at, 1 + gen.size(2_000)) : octets.length;
            end.take(octets, at, n);
            at += n;
        }
        checkState(end, server ? HboneSettings.forServer().streamsMax() : CLIENT_STREAMS);
        return end;
    }

    private static void checkState(End end, int streamsMax) {
        assertTrue(end.session.openStreams() <= streamsMax);
        assertTrue(end.session.pendingOutput() < HboneSettings.forServer().outputBytesMax() + (64 << 10));
        end.session.forEachOpen(s -> assertTrue(!s.isClosed() && !(s.isLocalEnded() && s.isRemoteEnded())));
        List<Wire.Frame> said = Wire.split(end.drain());
        assertEquals(end.errorCode >= 0, end.session.isFailed());
        if (end.session.isFailed()) {
            Wire.Frame last = said.get(said.size() - 1);
            assertEquals(FrameHeader.GOAWAY, last.type());
            assertEquals(end.errorCode, last.int32(4));
        }
        end.session.goAway(0, true);
        end.session.forEachOpen(s -> end.session.reset(s, 8));
        assertEquals(end.session.isFailed() ? end.session.openStreams() : 0, end.session.openStreams());
    }
}
