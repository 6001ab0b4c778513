package io.culvert.protocol.hbone;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The texts of a peer's telemetry headers, damaged: whatever they hold, reading them gives something or nothing. */
class HeaderTextFuzz {
    private static final int CASES = 20_000;
    private static final List<String> BAGGAGE = List.of(
            "k8s.cluster.name=Kubernetes,k8s.namespace.name=default,k8s.deployment.name=web,service.name=web-svc,"
                    + "service.version=v1,cloud.region=eu,cloud.availability_zone=eu-1a",
            "service.name=a=b=c,,x,=,unknown=1,k8s.pod.name=web,k8s.job.name=");
    private static final List<String> FORWARDED =
            List.of("for=\"10.0.0.1:80\";host=web.default.svc", "proto=https ; host=\"web\" ;for=\"[2001:db8::1]:80\"");
    private static final List<String> TRACE_PARENT = List.of("00-0123456789abcdeffedcba9876543210-00000000000000ff-01");

    private static String damaged(Gen gen, List<String> samples) {
        byte[] one = gen.pick(samples).getBytes(ISO_8859_1);
        return new String(gen.mutate(one), ISO_8859_1) + (gen.oneIn(8) ? gen.unicode(20) : "");
    }

    @Test
    void baggageKeepsWithinItsBounds_andIsReadBackAsWritten() {
        Gen.forAll(CASES, gen -> {
            Baggage read = Baggage.parse(damaged(gen, BAGGAGE));
            List<String> values = List.of(
                    read.cluster(),
                    read.namespace(),
                    read.workload(),
                    read.service(),
                    read.version(),
                    read.region(),
                    read.zone());
            for (String value : values) {
                assertTrue(value.length() <= Baggage.VALUE_CHARS_MAX && value.matches("[!-~&&[^,=;\"\\\\]]*"), value);
            }
            assertEquals(read, Baggage.parse(read.format()));
        });
    }

    @Test
    void forwardedKeepsWithinItsBounds_andIsReadBackAsWritten() {
        Gen.forAll(CASES, gen -> {
            Forwarded read = Forwarded.parse(damaged(gen, FORWARDED));
            assertTrue(read.source().length() <= 64 && read.source().matches("[!-~&&[^\",]]*"), read.source());
            assertTrue(read.host().isEmpty() || HostName.isValid(read.host()), read.host());
            assertEquals(read, Forwarded.parse(read.format()));
        });
    }

    @Test
    void traceParentIsReadFromItsOneForm_orNotAtAll() {
        Gen.forAll(CASES, gen -> {
            String text = damaged(gen, TRACE_PARENT);
            TraceParent read = TraceParent.parse(text);
            boolean form = text.matches("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
            assertEquals(form ? text : "", read == null ? "" : read.format());
        });
    }
}
