package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How much a peer may send, by what its streams' readers take of it. */
class ReceiveWindowsTest {
    private static final int WIDE = 4 << 20;
    private static final int FRUGAL = 65_535;
    private static final int CONNECTION = 16 << 20;
    private static final long BOUND = CONNECTION + 200L * FRUGAL + CONNECTION / 4;

    private final GreedyPeer peer = new GreedyPeer(HboneSettings.forServer());

    private List<Integer> connect(int streams) {
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            ids.add(peer.connect());
        }
        peer.read();
        return ids;
    }

    /** The peer sends all that it may on each of these, and acts on what the server says to that. */
    private void fill(List<Integer> ids) {
        for (int id : ids) {
            peer.send(id, CONNECTION);
            peer.read();
        }
    }

    /** Moves time on, which the session learns from whatever arrives. */
    private void pass(long nanos) {
        peer.end.nanos += nanos;
        peer.end.take(Wire.ping(false));
        peer.end.drain();
    }

    @Test
    void letsAPeerSendTheConfiguredWindow_fromTheStart() {
        int id = connect(1).getFirst();
        assertEquals(WIDE, peer.send(id, CONNECTION));
        peer.read();
        assertEquals(0, peer.send(id, 1));
        assertEquals(List.of(WIDE), peer.announced());
    }

    @Test
    void oneReaderThatStandsStill_changesNothing() {
        List<Integer> ids = connect(2);
        peer.send(ids.get(0), CONNECTION);
        assertEquals(64 << 20, peer.stream(ids.get(1), 64 << 20));
        assertEquals(List.of(WIDE), peer.announced());
    }

    @Test
    void readersThatStandStill_leaveAnotherAllThatItNeeds() {
        List<Integer> ids = connect(200);
        fill(ids.subList(0, 199));
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
        assertEquals(64 << 20, peer.stream(ids.getLast(), 64 << 20));
        assertTrue(peer.window(ids.getLast()) > 1 << 20, "its window has grown: " + peer.window(ids.getLast()));
        assertTrue(peer.standing() <= BOUND, peer.standing() + " octets stand");
    }

    @Test
    void littleThatStands_isTooMuchWhenMemoryIsShort_untilItIsNot() {
        List<Integer> ids = connect(3);
        peer.end.shortOfMemory = true;
        assertEquals(List.of(WIDE), peer.announced(), "nothing stands");
        peer.send(ids.getFirst(), 1_000);
        peer.read();
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
        peer.takeAll(ids.getFirst());
        peer.end.nanos += 2 * ReceiveWindows.CALM_NANOS;
        peer.send(ids.get(1), 1);
        peer.read();
        assertEquals(List.of(WIDE, FRUGAL), peer.announced(), "memory is short still");
        peer.end.shortOfMemory = false;
        peer.end.nanos += 2 * ReceiveWindows.CALM_NANOS;
        peer.send(ids.get(1), 1);
        peer.read();
        assertEquals(List.of(WIDE, FRUGAL, WIDE), peer.announced());
    }

    /** All that may be under way when the SETTINGS are sent stays legal, and so little follows. */
    @Test
    void whatIsSentBeforeTheAcknowledgement_isTaken_andNothingMuchAfterIt() {
        List<Integer> ids = connect(200);
        ids.forEach(id -> peer.send(id, CONNECTION));
        assertEquals(CONNECTION, peer.standing());
        assertEquals(0, peer.connectionWindow());
        peer.read();
        fill(ids);
        assertFalse(peer.end.session.isFailed());
        assertEquals(0, ids.stream().mapToInt(id -> peer.send(id, CONNECTION)).sum());
        long stuck = CONNECTION + 196L * FRUGAL;
        assertTrue(peer.standing() <= stuck, peer.standing() + " octets stand");
        assertTrue(peer.standing() > stuck - FRUGAL, "all that may be sent was: " + peer.standing());
    }

    @Test
    void aPeerThatNeverAcknowledges_getsNoMoreThanTheConnectionsWindow() {
        List<Integer> ids = connect(20);
        for (int i = 0; i < 3; i++) {
            ids.forEach(id -> peer.send(id, CONNECTION));
        }
        assertEquals(CONNECTION, peer.standing());
        assertEquals(0, peer.end.session.receiveCredit());
    }

    @Test
    void everyOctetThatStood_isPaidBackOnce() {
        List<Integer> ids = connect(200);
        for (int round = 0; round < 3; round++) {
            fill(ids);
            ids.forEach(peer::takeAll);
            peer.read();
            assertEquals(CONNECTION, peer.end.session.receiveCredit());
            for (int id : ids) {
                assertTrue(peer.window(id) > FRUGAL / 3, "stream " + id + " has " + peer.window(id));
            }
        }
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
    }

    @Test
    void isWideAgain_afterAWhileOfCalm_andOnlyThen() {
        List<Integer> ids = connect(8);
        fill(ids);
        pass(10 * ReceiveWindows.CALM_NANOS);
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
        ids.forEach(peer::takeAll);
        peer.read();
        pass(ReceiveWindows.CALM_NANOS - 1);
        peer.read();
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
        peer.end.nanos += 1;
        peer.end.take(Wire.ping(false));
        assertEquals(
                "[PING ACK, SETTINGS]",
                Wire.split(peer.end.drain()).stream()
                        .filter(f -> f.type() != FrameHeader.WINDOW_UPDATE)
                        .toList()
                        .toString());
    }

    @Test
    void goesThereAndBack_andEveryStreamHasItsWholeWindow() {
        List<Integer> ids = connect(8);
        for (int round = 1; round < 6; round++) {
            fill(ids);
            assertEquals(2 * round, peer.announced().size());
            ids.forEach(peer::takeAll);
            // Some of the windows grow before they are wide again.
            peer.read();
            ids.forEach(id -> assertEquals(1 << 20, peer.stream(id, 1 << 20)));
            peer.end.nanos += ReceiveWindows.CALM_NANOS;
            peer.end.take(Wire.concat(Wire.settings(), Wire.settings()));
            peer.read();
            assertEquals(WIDE, peer.announced().getLast());
            for (int id : ids) {
                long window = peer.window(id);
                assertTrue(window >= WIDE / 4 && window <= WIDE + CONNECTION / 8, "stream " + id + " has " + window);
            }
            peer.end.nanos += 1_000_000_000;
        }
    }

    @Test
    void aStreamIsHeldToItsLowerWindow_afterTheAcknowledgement() {
        List<Integer> ids = connect(4);
        ids.forEach(id -> peer.send(id, CONNECTION / 8));
        peer.read();
        assertEquals(List.of(WIDE, FRUGAL), peer.announced());
        peer.end.take(Wire.data(ids.getFirst(), false, 1));
        assertTrue(peer.end.saw("reset 1 FLOW_CONTROL_ERROR"));
        // An end needs no credit.
        peer.end.take(Wire.data(ids.getLast(), true, 0));
        assertTrue(peer.end.saw("end " + ids.getLast()));
    }

    @Test
    void whatAClosedStreamsWindowHadGrownBy_isForOthersAgain() {
        List<Integer> ids = connect(8);
        fill(ids);
        for (int i = 0; i < 30; i++) {
            int id = peer.connect();
            peer.read();
            assertEquals(8 << 20, peer.stream(id, 8 << 20));
            assertTrue(peer.window(id) > 1 << 20, "stream " + id + " has " + peer.window(id));
            peer.reset(id);
        }
    }

    @Test
    void octetsOfStreamsThatAreOver_areBoundedToo() {
        for (int i = 0; i < 3_000; i++) {
            int id = peer.connect();
            peer.send(id, CONNECTION);
            peer.read();
            peer.send(id, CONNECTION);
            peer.end.session.end(peer.end.stream(id));
            peer.end.take(Wire.data(id, true, 0));
            peer.end.drain();
            assertFalse(peer.end.session.isFailed());
            if (peer.connectionWindow() == 0) {
                break;
            }
        }
        assertTrue(peer.standing() <= BOUND, peer.standing() + " octets stand");
    }

    @Test
    void neverLowersAWindowThatIsSmall() {
        GreedyPeer small = new GreedyPeer(HboneSettings.forServer().withWindows(FRUGAL, 4 * FRUGAL));
        for (int i = 0; i < 4; i++) {
            assertEquals(FRUGAL, small.send(small.connect(), CONNECTION));
        }
        small.read();
        assertEquals(0, small.send(small.connect(), CONNECTION));
        assertEquals(List.of(FRUGAL), small.announced());
    }

    @Test
    void theWidestOfWindows_neverPassesWhatAWindowMayBe() {
        GreedyPeer wide = new GreedyPeer(HboneSettings.forServer().withWindows(Integer.MAX_VALUE, Integer.MAX_VALUE));
        int id = wide.connect();
        wide.read();
        assertEquals(64 << 20, wide.stream(id, 64 << 20));
        assertTrue(wide.window(id) > Integer.MAX_VALUE / 2);
    }

    @Test
    void toleratesTheDefaultWindow_untilASmallerOneIsAcknowledged() {
        End end = End.server(HboneSettings.forServer().withWindows(1_000, FRUGAL));
        end.take(Wire.concat(Wire.PREFACE, Wire.settings(), Wire.connect(1), Wire.data(1, false, 20_000)));
        assertEquals(20_000, end.received(1).length);
        end.take(Wire.settingsAck());
        end.drain();
        end.take(Wire.data(1, false, 1_001));
        assertTrue(end.saw("reset 1 " + Http2Code.name(Http2Code.FLOW_CONTROL_ERROR)));
    }
}
