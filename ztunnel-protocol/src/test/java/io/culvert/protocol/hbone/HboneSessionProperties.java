package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.testkit.Gen;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Two sessions back to back do whatever they may do, over a wire that cuts as it likes. */
class HboneSessionProperties {
    /** One direction of the wire. */
    private static final class Direction {
        private final End from;
        private final End to;
        private byte[] inFlight = new byte[0];

        Direction(End from, End to) {
            this.from = from;
            this.to = to;
        }

        /** Moves up to so many octets; returns how many there were. */
        int move(int bytesMax) {
            inFlight = Wire.concat(inFlight, from.drain());
            int n = Math.min(bytesMax, inFlight.length);
            to.take(inFlight, 0, n);
            inFlight = Arrays.copyOfRange(inFlight, n, inFlight.length);
            return n;
        }
    }

    /** The model: what each end has sent on each stream, and which streams anybody reset. */
    private static final class World {
        private final Gen gen;
        private final End client;
        private final End server;
        private final Direction up;
        private final Direction down;
        private final Map<End, Map<Integer, ByteArrayOutputStream>> sent = new HashMap<>();
        private final Set<Integer> reset = new HashSet<>();

        World(Gen gen) {
            this.gen = gen;
            client = End.client(settings(gen, HboneSettings.forClient()));
            server = End.server(settings(gen, HboneSettings.forServer()));
            client.passes = gen.oneIn(3);
            server.passes = gen.oneIn(3);
            client.consumeAtOnce = gen.bool();
            server.consumeAtOnce = gen.bool();
            up = new Direction(client, server);
            down = new Direction(server, client);
            sent.put(client, new HashMap<>());
            sent.put(server, new HashMap<>());
        }

        private static HboneSettings settings(Gen gen, HboneSettings defaults) {
            return defaults.withWindows(gen.intBetween(1, 5_000), gen.intBetween(65_535, 100_000))
                    .withStreamsMax(gen.intBetween(1, 20))
                    .withHeaderTableBytes(gen.pick(4096, 8192));
        }

        void step() {
            End end = gen.bool() ? client : server;
            switch (gen.intBetween(0, 9)) {
                case 0 -> open();
                case 1 -> up.move(1 + gen.size(4_000));
                case 2 -> down.move(1 + gen.size(4_000));
                case 3, 4, 5 -> anyStream(end, this::send);
                case 6 -> anyStream(end, this::consume);
                case 7 -> anyStream(end, (e, s) -> e.session.end(s));
                case 8 -> anyStream(end, this::maybeReset);
                default -> settle();
            }
        }

        private void open() {
            if (client.session.canOpen()) {
                client.connect("10.0.0.1:" + gen.intBetween(1, 65_535));
            }
        }

        private interface Action {
            void on(End end, HboneStream s);
        }

        private void anyStream(End end, Action action) {
            List<HboneStream> all = new ArrayList<>(end.streams.values());
            if (!all.isEmpty()) {
                action.on(end, gen.pick(all));
            }
        }

        private void send(End end, HboneStream s) {
            byte[] payload = gen.bytes(3_000);
            int n = end.send(s, payload, 0, gen.oneIn(8));
            sent(end, s.id()).write(payload, 0, n);
        }

        private ByteArrayOutputStream sent(End end, int id) {
            Map<Integer, ByteArrayOutputStream> byId = sent.get(end);
            assertTrue(byId != null);
            return byId.computeIfAbsent(id, i -> new ByteArrayOutputStream());
        }

        private void consume(End end, HboneStream s) {
            end.session.consumed(s, gen.intBetween(0, s.outstanding()));
        }

        private void maybeReset(End end, HboneStream s) {
            if (gen.oneIn(4)) {
                reset.add(s.id());
                end.session.reset(s, gen.pick(Http2Code.CANCEL, Http2Code.CONNECT_ERROR, Http2Code.NO_ERROR));
            }
        }

        /** Delivers everything and lets both applications take all of it. */
        void settle() {
            for (int moved = 1; moved > 0; ) {
                moved = up.move(Integer.MAX_VALUE) + down.move(Integer.MAX_VALUE);
                for (End end : List.of(client, server)) {
                    end.streams.values().forEach(s -> end.session.consumed(s, s.outstanding()));
                }
            }
        }

        void check() {
            assertFalse(
                    client.session.isFailed() || server.session.isFailed(), () -> client.events + "\n" + server.events);
            assertEquals(client.session.openStreams(), server.session.openStreams());
            // Opened before the server's limit was known.
            client.streams.keySet().stream()
                    .filter(id -> client.saw("reset " + id + " REFUSED_STREAM"))
                    .forEach(reset::add);
            for (HboneStream s : client.streams.values()) {
                check(client, server, s.id());
                check(server, client, s.id());
            }
            for (End end : List.of(client, server)) {
                for (HboneStream s : end.streams.values()) {
                    assertEquals(s.localEnded && s.remoteEnded || reset.contains(s.id()), s.isClosed());
                }
            }
        }

        private void check(End from, End to, int id) {
            byte[] whole = sent(from, id).toByteArray();
            byte[] got = to.received(id);
            if (reset.contains(id)) {
                assertArrayEquals(Arrays.copyOf(whole, Math.min(got.length, whole.length)), got);
            } else {
                assertArrayEquals(whole, got);
            }
        }

        /** After everything was taken, a fresh stream has the connection's credit but for what is not worth an update. */
        void checkCredit() {
            for (HboneStream s : List.copyOf(client.streams.values())) {
                client.session.reset(s, Http2Code.CANCEL);
            }
            settle();
            assertEquals(0, server.session.openStreams());
            client.connect("10.0.0.1:1");
            settle();
            for (End end : List.of(client, server)) {
                HboneStream fresh = end.stream(
                        client.streams.keySet().stream().max(Integer::compare).orElseThrow());
                assertTrue(end.session.sendable(fresh) > 0);
            }
        }
    }

    @Test
    void deliversEverythingInOrder_orAPrefixOfItAfterAReset() {
        Gen.forAll(300, gen -> {
            World world = new World(gen);
            for (int i = gen.intBetween(10, 300); i > 0; i--) {
                world.step();
            }
            world.settle();
            world.check();
            world.checkCredit();
        });
    }

    @Test
    void connectRequestsSurviveTheWire() {
        String visible = "abcXYZ019-._=;,\"/";
        Gen.forAll(300, gen -> {
            End client = End.client();
            End server = End.server();
            String host = gen.dnsLabel(20) + ".x" + gen.dnsLabel(10) + ".svc";
            ConnectTarget target = gen.bool()
                    ? new ConnectTarget.HostTarget(host, gen.intBetween(1, 65_535))
                    : new ConnectTarget.IpTarget(
                            new io.culvert.protocol.net.IpAddress(
                                    gen.pick(0L, gen.anyLong()), gen.pick(0xffff_0a00_0001L, gen.anyLong(), 1L)),
                            gen.intBetween(1, 65_535));
            ConnectRequest request = new ConnectRequest(
                    target,
                    gen.bool() ? null : gen.text(visible, ConnectRequest.BAGGAGE_CHARS_MAX),
                    gen.bool() ? null : gen.text(visible, ConnectRequest.FORWARDED_CHARS_MAX),
                    gen.bool() ? null : gen.text(visible, ConnectRequest.TRACEPARENT_CHARS_MAX),
                    gen.bool() ? null : gen.text(visible, ConnectRequest.NETWORK_CHARS_MAX));
            client.connect(request);
            server.take(client.drain());
            assertEquals(List.of(request), server.requests);
            assertEquals(target, ConnectTarget.parse(target.authority()));
        });
    }
}
