package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A control plane that tells of workloads only what it is asked for. */
class DemandNetnsIT {
    private static final int PORT = 7000;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("legacy", "two")
            .environment("XDS_ON_DEMAND", "true")
            .environment("ISTIO_META_DNS_CAPTURE", "false"));

    private final AmbientLab lab = LAB.lab();

    private List<String> asked() {
        return lab.discovery().requests().stream()
                .flatMap(each -> each.getResourceNamesSubscribeList().stream())
                .toList();
    }

    private void connects(String to) {
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns(to), PORT, "echo")) {
            NetProbe.connect(lab.net(), lab.ns("client"), lab.ns(to).ipv4(), PORT, "both:1000", "fin", "eof")
                    .expectOk();
            serving.stop().expectOk();
        }
    }

    @Test
    void asksForBothEnds_andTunnels() {
        Observation since = lab.observe();
        connects("server");
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, 1000, 1000));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, 1000, 1000));
        assertTrue(asked().contains("/" + lab.ip("client")), asked()::toString);
        assertTrue(asked().contains("/" + lab.ip("server")), asked()::toString);
    }

    @Test
    void asksOnceForWhatIsNotThere_andPassesItThrough() {
        connects("legacy");
        connects("legacy");
        assertEquals(
                1,
                asked().stream()
                        .filter(each -> each.equals("/" + lab.ip("legacy")))
                        .count());
    }
}
