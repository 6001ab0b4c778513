package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

/** Readers of every kind, and a peer that sends all that it may and reads when it likes. */
class ReceiveWindowsProperties {
    private static final int FRUGAL = 65_535;

    /** One tunnel. */
    private static final class World {
        private final Gen gen;
        private final HboneSettings settings;
        private final GreedyPeer peer;
        private final List<Integer> opened = new ArrayList<>();

        World(Gen gen) {
            this.gen = gen;
            int stream = gen.intBetween(1, 1 << gen.intBetween(10, 20));
            settings = HboneSettings.forServer()
                    .withWindows(stream, Math.max(FRUGAL, gen.intBetween(stream, 3 << 20)))
                    .withStreamsMax(gen.intBetween(1, 12));
            peer = new GreedyPeer(settings);
        }

        long bound() {
            long connection = settings.connectionWindowBytes();
            return connection + (long) settings.streamsMax() * FRUGAL + connection / 4;
        }

        void step(boolean resets) {
            peer.end.nanos += gen.intBetween(0, 300_000_000);
            int choice = gen.intBetween(0, 9);
            if (choice == 0) {
                connect();
            } else if (choice < 5) {
                onAny(id -> peer.send(id, gen.intBetween(1, 1 << gen.intBetween(1, 22))));
            } else if (choice < 7) {
                peer.read(gen.intBetween(1, 20));
            } else if (choice == 7 && resets && gen.oneIn(3)) {
                onAny(peer::reset);
            } else if (!opened.isEmpty()) {
                consume(gen.pick(opened));
            }
        }

        private void connect() {
            if (peer.open().size() < settings.streamsMax()) {
                opened.add(peer.connect());
            }
        }

        private void onAny(IntConsumer action) {
            List<Integer> open = peer.open();
            if (!open.isEmpty()) {
                action.accept(gen.pick(open));
            }
        }

        /** Some read all, some a little, and every third one never. */
        private void consume(int id) {
            int there = peer.end.stream(id).outstanding();
            if (id % 3 != 0) {
                peer.take(id, id % 3 == 1 ? there : gen.intBetween(0, there));
            }
        }

        void check() {
            assertFalse(peer.end.session.isFailed(), () -> peer.end.events.toString());
            assertTrue(peer.standing() <= bound(), () -> peer.standing() + " octets stand, of " + bound());
        }

        /** Whoever has credit of its own can use it once the peer has read what there was. */
        void checkNobodyIsHeldUp() {
            peer.read();
            boolean any = peer.open().stream().anyMatch(id -> peer.window(id) > 0);
            boolean lends = settings.streamWindowBytes() > FRUGAL;
            assertTrue(
                    !any || !lends || peer.connectionWindow() > 0,
                    () -> "streams have credit, and the connection none: " + settings + ", windows announced "
                            + peer.announced() + ", standing " + peer.standing());
        }

        void checkCreditComesBack() {
            opened.forEach(peer::takeAll);
            peer.read();
            assertEquals(settings.connectionWindowBytes(), peer.end.session.receiveCredit());
            assertTrue(peer.connectionWindow() >= settings.connectionWindowBytes() / 2);
            peer.end.nanos += 2 * ReceiveWindows.CALM_NANOS;
            peer.end.take(Wire.ping(true));
            peer.read();
            for (int id : peer.open()) {
                long window = peer.window(id);
                long full = settings.streamWindowBytes();
                assertTrue(window >= full / 4, "stream " + id + " has " + window + " of " + full);
                assertTrue(window <= full + settings.connectionWindowBytes() / 4, "stream " + id + " has " + window);
            }
        }
    }

    private static void play(Gen gen, boolean resets) {
        World world = new World(gen);
        for (int i = gen.intBetween(10, 400); i > 0; i--) {
            world.step(resets);
            world.check();
            if (!resets && gen.oneIn(10)) {
                world.checkNobodyIsHeldUp();
            }
        }
        world.checkCreditComesBack();
    }

    @Test
    void whatStandsIsBounded_nobodyIsHeldUp_andAllCreditComesBack() {
        Gen.forAll(200, gen -> play(gen, false));
    }

    @Test
    void whatStandsIsBounded_alsoWhenStreamsAreReset() {
        Gen.forAll(200, gen -> play(gen, true));
    }
}
