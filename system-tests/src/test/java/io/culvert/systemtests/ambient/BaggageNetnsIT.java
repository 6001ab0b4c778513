package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What peers tell of themselves beside what they prove. {@link HeaderNetnsIT} shows it switched off. */
class BaggageNetnsIT {
    static final String ORIGIN = "k8s.namespace.name=far,k8s.deployment.name=origin-v1,service.name=origin";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    @Test
    void answerTellsOfTheServer_andStrangersAreWhoTheySay() throws IOException {
        lab.mesh();
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT)) {
            assertEquals(
                    Map.of(
                            ":status",
                            "200",
                            "baggage",
                            "k8s.cluster.name=Kubernetes,k8s.namespace.name=demo,k8s.pod.name=server,"
                                    + "service.name=server,service.version=v1"),
                    RawRequest.ask(lab, "legacy-one", "client", lab.ip("server") + ":" + PORT, "baggage", ORIGIN));
            serving.stop();
        }
        LogEntry entry = since.onlyConnection("two");
        assertEquals("origin", entry.field("src.workload"));
        assertEquals("far", entry.field("src.namespace"));
    }

    @Test
    void refusal_tellsNothing() throws IOException {
        lab.mesh();
        assertEquals(
                Map.of(":status", "400"),
                RawRequest.ask(lab, "legacy-one", "client", lab.ip("other") + ":" + PORT, "baggage", ORIGIN));
    }
}
