package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.hbone.PoolRig.Asked;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ResetBudget;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HbonePoolTest {
    private static void assertOpen(List<Asked> asked) {
        for (Asked one : asked) {
            assertEquals(1, one.told);
            assertNull(one.failed);
        }
    }

    private static void assertFailed(CloseReason reason, List<Asked> asked) {
        for (Asked one : asked) {
            assertEquals(1, one.told);
            assertEquals(reason, one.failed);
        }
    }

    /** Its application resets, while the stream is being opened or unused. */
    private static void reset(Asked one) {
        TunnelStream stream = one.stream;
        if (stream == null) {
            one.cancel.run();
        } else {
            stream.cancel(Http2Code.CONNECT_ERROR);
        }
    }

    @Test
    void opensOneTunnelForMany_andReusesIt() {
        PoolRig rig = new PoolRig(100, 10, 200);
        assertOpen(rig.ask(50));
        assertEquals(1, rig.tunnels());
        assertOpen(rig.ask(50));
        assertEquals(1, rig.tunnels());
    }

    @Test
    void opensAsManyTunnelsAsABurstNeeds() {
        PoolRig rig = new PoolRig(100, 10, 200);
        assertOpen(rig.ask(300));
        assertEquals(3, rig.tunnels());
    }

    @Test
    void opensOneTunnelForEachKey_howeverManyAskOfAllAtOnce() {
        PoolRig rig = new PoolRig(100, 10, 200);
        List<HbonePool.Key> keys = List.of(
                new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.TARGET),
                new HbonePool.Key(PoolRig.OTHER_OWN, List.of(PoolRig.PEER), PoolRig.TARGET),
                new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.OTHER_TARGET));
        for (int i = 0; i < 100; i++) {
            keys.forEach(rig::ask);
            if (i % 10 == 0) {
                // Some ask while the tunnels are being opened, some when they are open.
                rig.loop.run(300_000);
            }
        }
        rig.loop.runSeconds(1);
        assertEquals(300, rig.asked.size());
        assertOpen(rig.asked);
        assertEquals(3, rig.tunnels());
        assertEquals(3, rig.peer.tunnels.size(), "no further one was even tried");
    }

    @Test
    void usesAFullTunnelAgain_onceItsStreamsAreOver() {
        PoolRig rig = new PoolRig(2, 10, 200);
        List<Asked> first = rig.ask(2);
        assertEquals(1, rig.tunnels());
        first.forEach(one -> one.stream().cancel(Http2Code.CANCEL));
        assertOpen(rig.ask(2));
        assertEquals(1, rig.tunnels());
    }

    @Test
    void sharesNothingBetweenKeys() {
        PoolRig rig = new PoolRig(100, 10, 200);
        List<HbonePool.Key> keys = List.of(
                new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.TARGET),
                new HbonePool.Key(PoolRig.OTHER_OWN, List.of(PoolRig.PEER), PoolRig.TARGET),
                new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER, PoolRig.OTHER_OWN), PoolRig.TARGET),
                new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.OTHER_TARGET));
        for (int round = 0; round < 2; round++) {
            keys.forEach(rig::ask);
            rig.loop.runSeconds(1);
        }
        assertOpen(rig.asked);
        assertEquals(4, rig.tunnels());
    }

    @Test
    void keepsToThePeersLimit_withMoreTunnels() {
        PoolRig rig = new PoolRig(100, 10, 2);
        assertOpen(rig.ask(5));
        assertTrue(rig.peer.tunnels.stream().allMatch(served -> served.tunnel.streams() <= 2));
        assertEquals(3, rig.tunnels());
    }

    /** An application connects and resets without end; each time its stream has just been asked for, or still waits. */
    @Test
    void keepsWithinWhatThePeerAllows_whileAnApplicationConnectsAndResets_andServesOthers() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.ask(1);
        List<Asked> honest = new ArrayList<>();
        for (int millis = 0; millis < 5_000; millis++) {
            List<Asked> hasty = List.of(rig.ask(), rig.ask(), rig.ask(), rig.ask(), rig.ask());
            if (millis % 100 == 0) {
                honest.add(rig.ask());
            }
            rig.loop.run(1_000_000);
            hasty.forEach(HbonePoolTest::reset);
            hasty.forEach(one -> assertNull(one.failed));
        }
        rig.loop.runSeconds(1);
        assertOpen(honest);
        assertEquals(1, rig.peer.tunnels.size());
        assertNull(rig.peer.tunnels.getFirst().closed);
        int opened = rig.peer.tunnels.getFirst().streams.size();
        int allowed = ResetBudget.BURST + 6 * ResetBudget.PER_SECOND + honest.size() + 10;
        assertTrue(opened > 4 * ResetBudget.PER_SECOND && opened <= allowed, opened + " streams");
    }

    @Test
    void opensNoStream_forAWishThatIsWithdrawnWhileTheTunnelRests() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.ask(1);
        for (int reset = 0; reset < ResetBudget.BURST + 50; reset += 50) {
            rig.asked.clear();
            for (int i = 0; i < 50; i++) {
                rig.ask();
            }
            rig.loop.run(10_000_000);
            rig.asked.forEach(HbonePoolTest::reset);
        }
        int before = rig.peer.tunnels.getFirst().streams.size();
        Asked withdrawn = rig.ask();
        Asked patient = rig.ask();
        rig.loop.run(5_000_000);
        assertEquals(0, patient.told);
        withdrawn.cancel.run();
        rig.loop.runSeconds(1);
        assertOpen(List.of(patient));
        assertEquals(0, withdrawn.told);
        assertEquals(before + 1, rig.peer.tunnels.getFirst().streams.size());
        assertEquals(1, rig.peer.tunnels.size());
    }

    @Test
    void waitsForRoom_whenNoMoreTunnelsMayBe_andGetsIt() {
        PoolRig rig = new PoolRig(1, 1, 200);
        Asked first = rig.ask(1).getFirst();
        Asked second = rig.ask(1).getFirst();
        assertEquals(0, second.told);
        first.stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(1);
        assertOpen(List.of(second));
        assertEquals(1, rig.tunnels());
    }

    @Test
    void doesNotWaitForRoomForEver() {
        PoolRig rig = new PoolRig(1, 1, 200);
        rig.ask(1);
        Asked second = rig.ask(1).getFirst();
        rig.loop.runSeconds(60);
        assertFailed(CloseReason.LIMIT_REACHED, List.of(second));
    }

    @Test
    void refusesAtOnce_whenEveryTunnelLeadsElsewhere() {
        PoolRig rig = new PoolRig(100, 1, 200);
        rig.ask(1);
        Asked elsewhere = rig.ask(new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.OTHER_TARGET));
        assertFailed(CloseReason.LIMIT_REACHED, List.of(elsewhere));
    }

    private static void fill(Asked carried) {
        TunnelLoad load = carried.stream().tunnel().load();
        load.moved(TunnelLoad.STEP_BYTES);
        load.moved(TunnelLoad.STEP_BYTES);
    }

    @Test
    void putsNobodyBehindTheBytesThatFillATunnel() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked elephant = rig.ask(1).getFirst();
        fill(elephant);
        List<Asked> others = List.of(rig.ask(), rig.ask());
        rig.loop.run(TimeUnit.MILLISECONDS.toNanos(100));
        assertOpen(others);
        assertNotSame(elephant.stream().tunnel(), others.getFirst().stream().tunnel());
        assertSame(
                others.getFirst().stream().tunnel(), others.getLast().stream().tunnel());
        rig.loop.runSeconds(1);
        assertSame(elephant.stream().tunnel(), rig.ask(1).getFirst().stream().tunnel(), "it was full a second ago");
        assertEquals(2, rig.tunnels());
    }

    @Test
    void opensNoMoreThanFour_whenBytesFillThemAll_andTakesTheOneWithTheFewestStreams() {
        PoolRig rig = new PoolRig(100, 10, 200);
        List<Asked> elephants = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            elephants.add(rig.ask());
            rig.loop.run(TimeUnit.MILLISECONDS.toNanos(100));
            assertOpen(elephants);
            elephants.forEach(HbonePoolTest::fill);
        }
        assertEquals(4, rig.tunnels());
        List<Asked> others = List.of(rig.ask(), rig.ask(), rig.ask(), rig.ask());
        rig.loop.run(TimeUnit.MILLISECONDS.toNanos(100));
        assertOpen(others);
        assertEquals(4, rig.tunnels());
        elephants.forEach(each -> assertEquals(2, each.stream().tunnel().streams(), "an elephant and another"));
    }

    @Test
    void waitsShortlyForATunnelApart() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked elephant = rig.ask(1).getFirst();
        rig.peer.dials = SimPeer.Dials.TIME_OUT;
        fill(elephant);
        List<Asked> others = List.of(rig.ask(), rig.ask());
        rig.loop.run(TimeUnit.MILLISECONDS.toNanos(110));
        assertOpen(others);
        fill(elephant);
        Asked later = rig.ask();
        rig.loop.run(TimeUnit.MILLISECONDS.toNanos(20));
        assertOpen(List.of(later));
        assertSame(elephant.stream().tunnel(), later.stream().tunnel());
        assertEquals(1, rig.tunnels());
    }

    @Test
    void goesWhereThereIsRoom_whenNoTunnelApartCanBeHad() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked elephant = rig.ask(1).getFirst();
        rig.peer.dials = SimPeer.Dials.FAIL;
        int dialled = rig.peer.dialled;
        for (int i = 0; i < 3; i++) {
            fill(elephant);
            Asked other = rig.ask();
            rig.loop.run(TimeUnit.MILLISECONDS.toNanos(100));
            assertOpen(List.of(other));
            assertSame(elephant.stream().tunnel(), other.stream().tunnel());
        }
        assertEquals(1, rig.peer.dialled - dialled, "it is not tried again and again");
        PoolRig narrow = new PoolRig(100, 1, 200);
        elephant = narrow.ask(1).getFirst();
        fill(elephant);
        Asked other = narrow.ask();
        narrow.loop.run(TimeUnit.MILLISECONDS.toNanos(100));
        assertOpen(List.of(other));
    }

    /** Who looks at many destinations, one after the other, must not end with the last that there was room for. */
    @Test
    void endsTheTunnelThatHasIdledLongest_whenAnotherDestinationNeedsItsPlace() {
        PoolRig rig = new PoolRig(100, 3, 200);
        List<Asked> first = rig.ask(1);
        Asked busy = rig.askOf(40);
        Asked second = rig.askOf(41);
        second.stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(1);
        first.getFirst().stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(1);
        for (int target = 42; target < 52; target++) {
            Asked next = rig.askOf(target);
            assertOpen(List.of(next));
            next.stream().cancel(Http2Code.CANCEL);
            rig.loop.runSeconds(1);
            assertEquals(3, rig.pool.tunnels());
            assertEquals(3, rig.tunnels());
        }
        assertOpen(List.of(busy));
        assertTrue(busy.stream().tunnel().isOpen());
        assertTrue(second.stream().tunnel().isClosed(), "it had idled longest");
        // In order, as when it is given up because it is old.
        assertEquals(CloseReason.DRAINED, rig.peer.tunnels.get(2).closed);
        assertEquals(CloseReason.DRAINED, rig.peer.tunnels.get(0).closed);
        assertEquals(13, rig.peer.tunnels.size());
    }

    @Test
    void doesNotEndIdleTunnels_asLongAsThereIsRoom() {
        PoolRig rig = new PoolRig(100, 3, 200);
        for (int target = 40; target < 43; target++) {
            rig.askOf(target).stream().cancel(Http2Code.CANCEL);
            rig.loop.runSeconds(1);
        }
        assertEquals(3, rig.tunnels());
        for (int target = 40; target < 43; target++) {
            assertOpen(List.of(rig.askOf(target)));
        }
        assertEquals(3, rig.peer.tunnels.size());
        Asked refused = rig.askOf(43);
        assertFailed(CloseReason.LIMIT_REACHED, List.of(refused));
    }

    @Test
    void dialsAnew_afterAGoaway_andLeavesOldStreamsAlone() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked old = rig.ask(1).getFirst();
        rig.peer.tunnels.getFirst().tunnel.drain();
        rig.loop.runSeconds(1);
        Asked fresh = rig.ask(1).getFirst();
        assertOpen(List.of(old, fresh));
        assertNotSame(old.stream().tunnel(), fresh.stream().tunnel());
        assertTrue(old.stream().tunnel().isOpen());
        old.stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(3);
        assertEquals(1, rig.tunnels());
        assertEquals(CloseReason.DRAINED, rig.peer.tunnels.getFirst().closed);
    }

    @Test
    void failsEveryWaiterWithTheCause() {
        for (SimPeer.Dials how : List.of(SimPeer.Dials.FAIL, SimPeer.Dials.TIME_OUT, SimPeer.Dials.SILENCE)) {
            PoolRig rig = new PoolRig(100, 10, 200);
            rig.peer.dials = how;
            rig.ask(20);
            rig.loop.runSeconds(30);
            assertFailed(
                    switch (how) {
                        case FAIL -> CloseReason.CONNECT_FAILED;
                        case TIME_OUT -> CloseReason.TUNNEL_CONNECT_TIMEOUT;
                        case SILENCE -> CloseReason.HANDSHAKE_TIMEOUT;
                        case SUCCEED -> throw new AssertionError();
                    },
                    rig.asked);
            rig.peer.dials = SimPeer.Dials.SUCCEED;
            assertOpen(rig.ask(1));
        }
    }

    @Test
    void failsWithTheReasonOfTls_whenThePeerIsNotWhoWasExpected() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked one = rig.ask(new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.OTHER_OWN), PoolRig.TARGET));
        rig.loop.runSeconds(1);
        assertFailed(CloseReason.TLS_FAILED, List.of(one));
        assertEquals(0, rig.pool.tunnels());
    }

    @Test
    void failsWhenThereIsNoCertificateInTime() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.certified = false;
        rig.ask(3);
        rig.loop.runSeconds(18);
        assertEquals(0, rig.asked.getFirst().told);
        rig.loop.runSeconds(3);
        assertFailed(CloseReason.IDENTITY_UNAVAILABLE, rig.asked);
    }

    @Test
    void failsWithThePeersAnswer_andWithoutOne() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.peer.answer = stream -> stream.refuse(503);
        assertFailed(CloseReason.CONNECT_REFUSED_STATUS, rig.ask(2));
        rig.peer.answer = stream -> {};
        List<Asked> unanswered = rig.ask(2);
        rig.loop.runSeconds(15);
        assertFailed(CloseReason.CONNECT_RESPONSE_TIMEOUT, unanswered);
        assertEquals(1, rig.tunnels(), "the tunnel goes on");
        rig.peer.answer = stream -> stream.accept(null);
        assertOpen(rig.ask(2));
    }

    @Test
    void tellsThoseWhoWait_whenANewTunnelMeetsAFaultOfOurs_andServesOthers() {
        for (SimTransports.Fault fault : SimTransports.Fault.values()) {
            if (fault == SimTransports.Fault.NONE) {
                continue;
            }
            PoolRig rig = new PoolRig(100, 1, 200);
            rig.transports.fault = fault;
            List<Asked> unlucky = rig.ask(3);
            assertFailed(CloseReason.BUG, unlucky);
            assertEquals(0, rig.pool.tunnels());
            assertEquals(List.of(), rig.pool.live());
            rig.transports.fault = SimTransports.Fault.NONE;
            assertOpen(rig.ask(2));
            rig.pool.close(CloseReason.POD_REMOVED);
            rig.peer.tunnels.forEach(served -> served.tunnel.close(CloseReason.POD_REMOVED, "too"));
            rig.loop.runSeconds(60);
            assertEquals(0, rig.loop.timers());
            rig.transports.assertEnginesReleased();
            assertTrue(rig.peer.tunnels.stream().allMatch(served -> served.tunnel.isClosed()));
        }
    }

    @Test
    void tellsWhoWantsATunnelWithinATunnel_whenThatMeetsAFaultOfOurs() {
        HbonePool.Key gateway = new HbonePool.Key(PoolRig.OWN, List.of(PoolRig.PEER), PoolRig.TARGET);
        for (SimTransports.Fault fault : SimTransports.Fault.values()) {
            if (fault == SimTransports.Fault.NONE) {
                continue;
            }
            PoolRig rig = new PoolRig(100, 10, 200);
            assertOpen(rig.ask(1));
            rig.transports.fault = fault;
            Asked nested = new Asked();
            nested.cancel =
                    rig.pool.openThrough(gateway, PoolRig.REQUEST, List.of(PoolRig.PEER), PoolRig.REQUEST, nested);
            rig.loop.run(1_000_000);
            assertFailed(CloseReason.BUG, List.of(nested));
            assertEquals(1, rig.pool.live().size());
            // Until the last words have had their time.
            rig.loop.runSeconds(70);
            assertEquals(1, rig.peer.tunnels.getFirst().tunnel.streams(), "of the gateway");
        }
    }

    @Test
    void tellsItsStreams_whenATunnelIsLost() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.peer.answer = stream -> {};
        List<Asked> unanswered = rig.ask(2);
        rig.peer.tunnels.getFirst().tunnel.close(CloseReason.POD_REMOVED, "gone");
        rig.loop.runSeconds(1);
        assertFailed(CloseReason.TUNNEL_LOST, unanswered);
    }

    @Test
    void closesIdleTunnels_butNotBusyOnes() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked busy = rig.ask(1).getFirst();
        rig.loop.runSeconds(300);
        assertEquals(1, rig.tunnels());
        busy.stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(50);
        assertEquals(1, rig.tunnels(), "it has idled for less than a minute");
        rig.loop.runSeconds(40);
        assertEquals(0, rig.tunnels());
        assertEquals(0, rig.pool.tunnels());
    }

    @Test
    void takesNoNewStreams_onceTheCertificateHasEnded() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked old = rig.ask(1).getFirst();
        rig.clock.advance(Duration.ofDays(2));
        rig.loop.runSeconds(30);
        Asked fresh = rig.ask(1).getFirst();
        assertNotSame(old.stream().tunnel(), fresh.stream().tunnel());
        assertTrue(old.stream().tunnel().isOpen(), "what is open goes on");
        old.stream().cancel(Http2Code.CANCEL);
        rig.loop.runSeconds(60);
        assertTrue(old.stream().tunnel().isClosed());
    }

    @Test
    void tellsNobody_whoCancelled() {
        PoolRig rig = new PoolRig(100, 10, 200);
        Asked waiting = rig.ask();
        waiting.cancel.run();
        Asked other = rig.ask(1).getFirst();
        assertEquals(0, waiting.told);
        assertOpen(List.of(other));
        assertEquals(1, rig.peer.tunnels.getFirst().streams.size());
    }

    @Test
    void resetsAStream_thatIsCancelledBeforeTheAnswer() {
        PoolRig rig = new PoolRig(100, 10, 200);
        rig.peer.answer = stream -> {};
        Asked one = rig.ask(1).getFirst();
        Noted noted = new Noted();
        rig.peer.tunnels.getFirst().streams.getFirst().opening(noted);
        one.cancel.run();
        rig.loop.runSeconds(1);
        assertEquals(0, one.told);
        assertEquals(CloseReason.STREAM_RESET, noted.lost);
        assertTrue(noted.detail.contains("CONNECT_ERROR"));
    }

    /** The serving side of a stream that is not relayed. */
    private static final class Noted implements TunnelStream.Opening {
        private @Nullable CloseReason lost;
        private String detail = "";

        @Override
        public void onResponse(ConnectResponse response) {
            throw new AssertionError();
        }

        @Override
        public void onStreamLost(CloseReason reason, @Nullable String why) {
            lost = reason;
            detail = String.valueOf(why);
        }
    }

    @Test
    void leavesNothing_whenClosed() {
        PoolRig rig = new PoolRig(1, 2, 200);
        List<Asked> open = rig.ask(2);
        List<Asked> waiting = rig.ask(2);
        rig.pool.close(CloseReason.POD_REMOVED);
        assertFailed(CloseReason.POD_REMOVED, waiting);
        assertOpen(open);
        assertTrue(open.getFirst().stream().tunnel().isClosed());
        assertFailed(CloseReason.POD_REMOVED, List.of(rig.ask()));
        rig.peer.tunnels.forEach(served -> served.tunnel.close(CloseReason.POD_REMOVED, "too"));
        rig.loop.runSeconds(60);
        assertEquals(0, rig.loop.timers());
        assertEquals(0, rig.pool.tunnels());
        rig.transports.assertEnginesReleased();
    }

    @Test
    void abandonsTunnelsThatAreBeingOpened_whenClosed() {
        for (SimPeer.Dials how : SimPeer.Dials.values()) {
            PoolRig rig = new PoolRig(100, 10, 200);
            rig.peer.dials = how;
            Asked one = rig.ask();
            rig.loop.run(how == SimPeer.Dials.SILENCE ? 2_000_000 : 500_000);
            rig.pool.close(CloseReason.POD_REMOVED);
            assertFailed(CloseReason.POD_REMOVED, List.of(one));
            rig.loop.runSeconds(60);
            assertEquals(0, rig.pool.tunnels());
            assertEquals(1, one.told);
        }
    }
}
