package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;

class BaggageTest {
    private static final Baggage FULL =
            new Baggage("Kubernetes", "default", "deployment", "web", "web-svc", "v1", "eu", "eu-1a");

    @Test
    void writesAllMembersInTheirOrder() {
        assertEquals(
                "k8s.cluster.name=Kubernetes,k8s.namespace.name=default,k8s.deployment.name=web,service.name=web-svc,"
                        + "service.version=v1,cloud.region=eu,cloud.availability_zone=eu-1a",
                FULL.format());
        assertEquals(FULL, Baggage.parse(FULL.format()));
    }

    @Test
    void leavesOutWhatIsUnknownOrCannotBeWritten() {
        assertEquals("", Baggage.EMPTY.format());
        Baggage odd = new Baggage("a,b", "c=d", "planet", "x", "e f", "v".repeat(254), "\u00e4", "ok");
        assertEquals("cloud.availability_zone=ok", odd.format());
    }

    @Test
    void readsAsPeersWrite() {
        assertEquals("web", Baggage.parse("k8s.pod.name=web").workload());
        assertEquals("pod", Baggage.parse("k8s.pod.name=web").workloadType());
        assertEquals("job", Baggage.parse("k8s.pod.name=web,k8s.job.name=b").workloadType());
        assertEquals("", Baggage.parse("service.name=a,service.name=").service());
        assertEquals("a", Baggage.parse("service.name=a=b=c").service());
        assertEquals("b", Baggage.parse("service.name=a,service.name=b").service());
        assertEquals("a", Baggage.parse(",,x,=,unknown=1,service.name=a,").service());
        assertEquals(Baggage.EMPTY, Baggage.parse(" service.name=a"));
    }

    @Test
    void readsNothingFromWhatIsTooLongOrNotAscii() {
        assertSame(Baggage.EMPTY, Baggage.parse(null));
        assertSame(Baggage.EMPTY, Baggage.parse("service.name=\u00e4,cloud.region=eu"));
        assertSame(Baggage.EMPTY, Baggage.parse("service.name=a," + "x".repeat(4096)));
        assertEquals(
                "eu",
                Baggage.parse("service.name=" + "a".repeat(254) + ",cloud.region=eu")
                        .region());
        assertEquals("", Baggage.parse("service.name=\"a\"").service());
    }

    @Test
    void neverThrows_andWritesOnlyWhatItReadsBack() {
        Gen.forAll(2_000, gen -> {
            String text = gen.bool()
                    ? gen.unicode(200)
                    : gen.text("k8s.pod.name=service,region cloud\"\u0000", 300) + gen.pick("", ",cloud.region=eu");
            Baggage baggage = Baggage.parse(text);
            assertEquals(baggage, Baggage.parse(baggage.format()));
        });
    }
}
