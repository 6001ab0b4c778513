package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlowControlTest {
    private static final int INITIAL_WINDOW = FrameHeader.SETTING_INITIAL_WINDOW_SIZE;

    private static End server(HboneSettings settings, int... peerSettings) {
        End end = End.server(settings);
        end.take(Wire.concat(Wire.PREFACE, Wire.settings(peerSettings), Wire.settingsAck()));
        end.take(Wire.connect(1));
        end.drain();
        return end;
    }

    private static End server(int... peerSettings) {
        return server(HboneSettings.forServer(), peerSettings);
    }

    @Test
    void sendsOneOctet_whenThePeersInitialWindowIsOne() {
        End end = server(INITIAL_WINDOW, 1);
        assertEquals(1, end.session.sendable(end.stream(1)));
        assertEquals(1, end.send(end.stream(1), new byte[5], 0, true));
        assertEquals("[DATA 1 1]", Wire.split(end.drain()).toString());
    }

    @Test
    void takesTheLastOfSeveralInitialWindows() {
        End end = server(INITIAL_WINDOW, 100, INITIAL_WINDOW, 1);
        assertEquals(1, end.session.sendable(end.stream(1)));
    }

    @Test
    void widensOpenStreams_whenTheInitialWindowGrows() {
        End end = server(INITIAL_WINDOW, 0);
        assertEquals(0, end.session.sendable(end.stream(1)));
        end.take(Wire.settings(INITIAL_WINDOW, 7));
        assertTrue(end.saw("sendable 1"));
        assertEquals(7, end.session.sendable(end.stream(1)));
    }

    @Test
    void waitsUntilANegativeWindowIsPositiveAgain() {
        End end = server(INITIAL_WINDOW, 3);
        assertEquals(3, end.send(end.stream(1), new byte[10], 0, false));
        end.take(Wire.settings(INITIAL_WINDOW, 2));
        assertEquals(0, end.session.sendable(end.stream(1)));
        end.take(Wire.windowUpdate(1, 1));
        assertEquals(0, end.session.sendable(end.stream(1)));
        assertFalse(end.saw("sendable 1"));
        end.take(Wire.windowUpdate(1, 1));
        assertTrue(end.saw("sendable 1"));
        assertEquals(1, end.session.sendable(end.stream(1)));
    }

    @Test
    void takesWindowUpdatesAndPriorities_afterThePeersEnd() {
        End end = server(INITIAL_WINDOW, 0);
        end.take(Wire.data(1, true, 0));
        end.take(Wire.priority(1, 0));
        assertEquals(0, end.session.sendable(end.stream(1)));
        end.take(Wire.windowUpdate(1, 4));
        assertTrue(end.saw("sendable 1"));
        assertEquals(4, end.session.sendable(end.stream(1)));
    }

    @Test
    void sendsNoFrameLongerThanThePeerTakes() {
        End end = server(INITIAL_WINDOW, 1 << 20);
        assertEquals(16_384, end.session.sendable(end.stream(1)));
        end.take(Wire.settings(FrameHeader.SETTING_MAX_FRAME_SIZE, 20_000));
        assertEquals(20_000, end.session.sendable(end.stream(1)));
    }

    @Test
    void sendsNothingBeforeTheAnswer_norAfterItsOwnEnd() {
        End end = server();
        end.acceptAtOnce = false;
        end.take(Wire.connect(3));
        HboneStream s = end.stream(3);
        assertEquals(0, end.session.sendable(s));
        end.session.end(s);
        assertFalse(s.isLocalEnded());
        end.session.accept(s, null);
        assertTrue(end.session.sendable(s) > 0);
        end.session.end(s);
        assertEquals(0, end.session.sendable(s));
        ByteBuffer header = ByteBuffer.allocate(9);
        assertThrows(IllegalArgumentException.class, () -> end.session.dataHeader(s, 1, false, header));
        assertThrows(IllegalArgumentException.class, () -> end.session.dataHeader(s, 0, true, header));
        assertThrows(IllegalStateException.class, () -> end.session.accept(s, null));
    }

    @Test
    void refusesToWriteAHeaderInTheWrongByteOrder_orWithoutCredit() {
        End end = server(INITIAL_WINDOW, 10);
        HboneStream s = end.stream(1);
        ByteBuffer little = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
        assertThrows(IllegalArgumentException.class, () -> end.session.dataHeader(s, 1, false, little));
        ByteBuffer header = ByteBuffer.allocate(9);
        assertThrows(IllegalArgumentException.class, () -> end.session.dataHeader(s, 11, false, header));
        assertThrows(IllegalArgumentException.class, () -> end.session.dataHeader(s, 0, false, header));
        assertEquals(10, end.session.sendable(s));
    }

    @Test
    void resetsAStreamThatOverrunsItsWindow_andDropsThePayload() {
        End end = server(HboneSettings.forServer().withWindows(100, 1 << 20));
        end.take(Wire.data(1, false, 101));
        assertEquals("[RST 1 FLOW_CONTROL_ERROR]", Wire.split(end.drain()).toString());
        assertTrue(end.saw("reset 1 FLOW_CONTROL_ERROR"));
        assertEquals(0, end.received(1).length);
        assertFalse(end.session.isFailed());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void endsTheConnection_whenItsWindowIsOverrun(boolean client) {
        HboneSettings small = HboneSettings.forServer().withWindows(1 << 20, 65_535);
        End end = client ? End.client(small) : End.server(small);
        end.consumeAtOnce = false;
        end.take(client ? Wire.settings() : Wire.concat(Wire.PREFACE, Wire.settings(), Wire.connect(1)));
        if (client) {
            end.connect("a:1");
            end.take(Wire.ok(1));
        }
        end.take(Wire.data(1, false, 65_535));
        assertFalse(end.session.isFailed());
        end.take(Wire.data(1, false, 1));
        assertEquals(Http2Code.FLOW_CONTROL_ERROR, end.errorCode);
    }

    @Test
    void resetsAStreamWhoseSendWindowOverflows() {
        End end = server();
        end.take(Wire.windowUpdate(1, Integer.MAX_VALUE));
        assertEquals("[RST 1 FLOW_CONTROL_ERROR]", Wire.split(end.drain()).toString());
        assertFalse(end.session.isFailed());
    }

    @Test
    void endsTheConnection_whenItsSendWindowOverflows_orAStreamsBySettings() {
        End end = server();
        end.take(Wire.windowUpdate(0, Integer.MAX_VALUE));
        assertEquals(Http2Code.FLOW_CONTROL_ERROR, end.errorCode);
        End other = server();
        other.take(Wire.windowUpdate(1, Integer.MAX_VALUE - 65_535));
        other.take(Wire.settings(INITIAL_WINDOW, 65_536));
        assertEquals(Http2Code.FLOW_CONTROL_ERROR, other.errorCode);
    }

    @Test
    void returnsThePaddingsCreditItself_andDeliversNoneOfIt() {
        End end = server(HboneSettings.forServer().withWindows(1_000, 65_535));
        end.consumeAtOnce = false;
        for (int i = 0; i < 1_000; i++) {
            end.take(Wire.padded(1, 1, 99));
            end.session.consumed(end.stream(1), 1);
        }
        assertFalse(end.session.isFailed());
        assertEquals(1_000, end.received(1).length);
        long returned = Wire.split(end.drain()).stream()
                .filter(f -> f.stream() == 1)
                .mapToLong(f -> f.int32(0))
                .sum();
        assertTrue(returned > 1_000 * 101 - 1_000 && returned <= 1_000 * 101);
    }

    @Test
    void gathersWindowUpdates_untilHalfAWindowIsDue() {
        End end = server(HboneSettings.forServer().withWindows(1_000, 65_535));
        end.take(Wire.data(1, false, 499));
        assertEquals(0, end.session.pendingOutput());
        end.take(Wire.data(1, false, 1));
        assertEquals("[WINDOW_UPDATE 1 500]", Wire.split(end.drain()).toString());
    }

    @Test
    void announcesGatheredConnectionCredit_onceThePeerHasUsedUpTheRest() {
        End end = server(HboneSettings.forServer().withWindows(65_535, 65_535));
        end.take(Wire.connect(3));
        end.take(Wire.data(1, false, 20_000));
        end.consumeAtOnce = false;
        end.drain();
        end.take(Wire.data(3, false, 45_535));
        assertEquals("[WINDOW_UPDATE 0 20000]", Wire.split(end.drain()).toString());
    }

    @Test
    void returnsNoStreamCreditAfterThePeersEnd_butConnectionCreditStill() {
        End end = server(HboneSettings.forServer().withWindows(65_535, 65_535));
        end.consumeAtOnce = false;
        end.take(Wire.data(1, true, 40_000));
        end.session.consumed(end.stream(1), 40_000);
        assertEquals("[WINDOW_UPDATE 0 40000]", Wire.split(end.drain()).toString());
    }

    @Test
    void keepsCreditOfAResetStreamBack_untilTheApplicationLetsGo() {
        End end = server(HboneSettings.forServer().withWindows(65_535, 65_535));
        end.consumeAtOnce = false;
        end.take(Wire.data(1, false, 40_000));
        end.take(Wire.reset(1, Http2Code.CANCEL));
        assertEquals(0, end.session.pendingOutput());
        assertThrows(IllegalArgumentException.class, () -> end.session.consumed(end.stream(1), 40_001));
        end.session.consumed(end.stream(1), 10_000);
        end.session.reset(end.stream(1), Http2Code.CANCEL);
        assertEquals("[WINDOW_UPDATE 0 40000]", Wire.split(end.drain()).toString());
        end.session.consumed(end.stream(1), 30_000);
        assertEquals(0, end.session.pendingOutput());
    }

    @Test
    void forgetsWaitingStreamsThatAreOver() {
        End end = server();
        end.take(Wire.concat(Wire.connect(3), Wire.connect(5)));
        end.send(end.stream(1), new byte[65_535], 0, false);
        for (int id : List.of(1, 3, 5)) {
            assertEquals(0, end.session.sendable(end.stream(id)));
        }
        end.take(Wire.reset(3, Http2Code.CANCEL));
        end.take(Wire.windowUpdate(0, 10));
        assertFalse(end.saw("sendable 3"));
        assertTrue(end.saw("sendable 5"));
        assertFalse(end.saw("sendable 1"));
        end.take(Wire.windowUpdate(1, 10));
        assertTrue(end.saw("sendable 1"));
    }
}
