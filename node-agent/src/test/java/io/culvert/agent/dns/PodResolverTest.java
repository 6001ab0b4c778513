package io.culvert.agent.dns;

import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.dns.DnsName;
import io.culvert.testkit.DnsWire;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A pod's resolver on a loop in virtual time, with an upstream that does what the test says. */
class PodResolverTest {
    private static final int SERVFAIL = 2;

    private final SimLoop loop = new SimLoop(false);
    private final MeshStore mesh = new MeshStore(MeshSnapshot.EMPTY);
    private final Metrics metrics = new Metrics("", BuildVersion.current());
    private final Places ofAllPods = new Places(2_000, null);
    private final PodIdentity client = new PodIdentity("uid", "client", "shop", "client");
    private final DnsPod dnsPod = new DnsPod(client, mesh, ofAllPods);
    private final List<Passed> passedOn = new ArrayList<>();
    private final List<byte[]> replies = new ArrayList<>();
    private int nothings;
    private final PodResolver resolver = new PodResolver(new PodResolver.Surroundings(
            loop,
            new ClientWait(loop, mesh, client),
            new MeshNames(new MeshNames.Terms(DnsName.parse("cluster.local"), "", true), () -> new Random(1)),
            this::passOn,
            metrics,
            dnsPod));

    /** A query that went upstream. */
    private static final class Passed {
        private final byte[] request;
        private final Upstream.Listener listener;
        private boolean cancelled;

        private Passed(byte[] request, Upstream.Listener listener) {
            this.request = request;
            this.listener = listener;
        }
    }

    private Runnable passOn(byte[] request, DnsProtocol protocol, Upstream.Listener listener) {
        Passed passed = new Passed(request, listener);
        passedOn.add(passed);
        return () -> passed.cancelled = true;
    }

    private void ask(byte[] request, DnsProtocol protocol) {
        resolver.resolve(request, protocol, new PodResolver.Reply() {
            @Override
            public void send(byte[] response) {
                replies.add(response);
            }

            @Override
            public void nothing() {
                nothings++;
            }
        });
    }

    private void ask(byte[] request) {
        ask(request, DnsProtocol.UDP);
    }

    private void know() {
        MeshSnapshot.Builder next =
                mesh.current().toBuilder().upsert(pod("client", "10.0.0.1").build());
        next.upsert(service("web")
                .hostname("web.shop.svc.cluster.local")
                .vip("9.9.9.9")
                .build());
        for (int i = 0; i < 100; i++) {
            next.upsert(pod("p" + i, "10.1.0." + i)
                    .ofKey("shop/many.shop.svc.cluster.local", 80, 80)
                    .build());
        }
        next.upsert(service("many").hostname("many.shop.svc.cluster.local").build());
        mesh.publish(next.build());
    }

    private DnsWire.Answer reply() {
        assertEquals(1, replies.size());
        return DnsWire.parse(replies.removeFirst());
    }

    private double counted(Metric metric, String... labels) {
        return metrics.collect().entrySet().stream()
                .filter(entry -> entry.getKey() == metric)
                .flatMap(entry -> ((CounterSnapshot) entry.getValue()).getDataPoints().stream())
                .filter(point -> point.getLabels().stream()
                        .map(label -> label.getValue())
                        .collect(Collectors.toSet())
                        .containsAll(Arrays.asList(labels)))
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    @Test
    void answersWhatTheMeshKnows_andAsksNobody() {
        know();
        ask(DnsWire.query(77, "web", DnsWire.A));
        DnsWire.Answer answer = reply();
        assertEquals(77, answer.id());
        assertEquals(List.of("9.9.9.9"), answer.data(DnsWire.A));
        assertTrue(answer.authoritative());
        assertEquals(List.of(), passedOn);
        assertEquals(1, counted(Metric.DNS_REQUESTS, "a", "udp", "client", "v1"));
        assertEquals(0, dnsQueries());
    }

    private int dnsQueries() {
        return ofAllPods.taken();
    }

    @Test
    void cutsAnswersByUdp_butNotByTcp() {
        know();
        ask(DnsWire.query(1, "many", DnsWire.A));
        assertTrue(reply().truncated());
        ask(DnsWire.query(1, "many", DnsWire.A, 4096));
        assertEquals(100, reply().data(DnsWire.A).size());
        ask(DnsWire.query(1, "many", DnsWire.A), DnsProtocol.TCP);
        assertEquals(100, reply().data(DnsWire.A).size());
    }

    @Test
    void passesOnByteForByte_whatItDoesNotUnderstand() {
        know();
        for (byte[] request : List.of(
                DnsWire.update(3, "shop.svc.cluster.local"),
                DnsWire.query(3, "web", DnsWire.SRV),
                DnsWire.query(3, "web", 65_280),
                DnsWire.query(3, "www.example.com", DnsWire.A, 4096))) {
            ask(request);
            Passed passed = passedOn.removeFirst();
            assertArrayEquals(request, passed.request);
            byte[] response = DnsWire.answer(request, 3, 0, new byte[0]);
            passed.listener.onAnswer(response);
            assertArrayEquals(response, replies.removeFirst());
        }
        assertEquals(4, counted(Metric.DNS_UPSTREAM_REQUESTS, "udp"));
        assertEquals(1, counted(Metric.DNS_UPSTREAM_REQUESTS, "srv"));
        assertEquals(0, counted(Metric.DNS_UPSTREAM_FAILURES));
        assertEquals(0, dnsQueries());
    }

    @Test
    void saysThatItFailed_whenNobodyAnswers() {
        know();
        ask(DnsWire.query(9, "www.example.com", DnsWire.A), DnsProtocol.TCP);
        passedOn.removeFirst().listener.onFailure("nobody there");
        assertEquals(SERVFAIL, reply().rcode());
        assertEquals(1, counted(Metric.DNS_UPSTREAM_FAILURES, "a", "tcp"));
    }

    @Test
    void refusesWhatIsNoRequest_andIgnoresScraps() {
        byte[] response = DnsWire.answer(DnsWire.query(9, "www", DnsWire.A), 0, DnsWire.A, new byte[4]);
        ask(response);
        assertEquals(1, reply().rcode());
        ask(new byte[11]);
        assertEquals(1, nothings);
        assertEquals(0, dnsQueries());
    }

    @Test
    void waitsForItsPodToBecomeKnown() {
        ask(DnsWire.query(1, "web", DnsWire.A));
        ask(DnsWire.query(2, "web", DnsWire.A));
        loop.runSeconds(3);
        assertEquals(List.of(), replies);
        mesh.publish(mesh.current().toBuilder()
                .upsert(pod("other", "10.0.0.2").build())
                .build());
        loop.runSeconds(1);
        assertEquals(List.of(), replies);
        know();
        loop.run(1);
        assertEquals(
                List.of(1, 2),
                replies.stream().map(DnsWire::parse).map(DnsWire.Answer::id).toList());
        assertEquals(0, loop.timers());
        assertEquals(0, dnsQueries());
    }

    @Test
    void givesUp_onAPodThatDoesNotBecomeKnown_butStillPassesOn() {
        ask(DnsWire.query(1, "web", DnsWire.A));
        ask(DnsWire.query(1, "web", DnsWire.SRV));
        assertEquals(1, passedOn.size());
        loop.run(TimeUnit.SECONDS.toNanos(5) - 1);
        assertEquals(List.of(), replies);
        loop.run(1);
        assertEquals(SERVFAIL, reply().rcode());
        assertEquals(1, counted(Metric.DNS_REQUESTS, "a", "unknown"));
    }

    @Test
    void refusesMore_thanItHasPlacesFor_andHasThemAgain() {
        know();
        for (int i = 0; i < DnsPod.QUERIES_MAX; i++) {
            ask(DnsWire.query(i, "www.example.com", DnsWire.A));
        }
        assertEquals(List.of(), replies);
        ask(DnsWire.query(1, "www.example.com", DnsWire.A));
        assertEquals(SERVFAIL, reply().rcode());
        assertEquals(DnsPod.QUERIES_MAX, dnsQueries());
        passedOn.forEach(passed -> passed.listener.onFailure("no"));
        assertEquals(0, dnsQueries());
    }

    @Test
    void sharesItsPlaces_withOtherPods() {
        know();
        while (ofAllPods.take()) {
            assertTrue(ofAllPods.taken() <= 2_000);
        }
        ask(DnsWire.query(1, "web", DnsWire.A));
        assertEquals(SERVFAIL, reply().rcode());
        ofAllPods.giveBack();
        ask(DnsWire.query(1, "web", DnsWire.A));
        assertEquals(0, reply().rcode());
    }

    @Test
    void givesThePlaceBack_whenTheReplyCannotBeSent() {
        know();
        resolver.resolve(DnsWire.query(1, "www.example.com", DnsWire.A), DnsProtocol.UDP, new PodResolver.Reply() {
            @Override
            public void send(byte[] response) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public void nothing() {
                throw new AssertionError();
            }
        });
        assertEquals(1, dnsQueries());
        Upstream.Listener asked = passedOn.getFirst().listener;
        byte[] answer = DnsWire.answer(passedOn.getFirst().request, 0, 33, new byte[20]);
        assertThrows(IllegalStateException.class, () -> asked.onAnswer(answer));
        assertEquals(0, dnsQueries());
    }

    @Test
    void dropsWhatIsUnderWay_whenItIsClosed() {
        List<String> told = new ArrayList<>();
        know();
        ask(DnsWire.query(1, "www.example.com", DnsWire.A));
        dnsPod.whenEmpty(() -> told.add("empty"));
        assertEquals(List.of(), told);
        resolver.close();
        assertTrue(passedOn.getFirst().cancelled);
        assertEquals(List.of("empty"), told);
        passedOn.getFirst().listener.onFailure("late");
        ask(DnsWire.query(1, "web", DnsWire.A));
        assertEquals(List.of(), replies);
        assertEquals(1, nothings);
        assertEquals(0, dnsQueries());
    }
}
