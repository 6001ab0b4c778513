package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.culvert.agent.mesh.Records;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents of a network that has a name, which neither tell nor believe more than is proven. */
class HeaderNetnsIT {
    private static final String NEAR = "near";
    private static final String FAR = "far";
    private static final String VIP = "10.96.7.1";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("legacy-one", "one")
            .legacyPod("legacy-two", "two")
            .environment("NETWORK", NEAR)
            .environment("ENABLE_RESPONSE_BAGGAGE", "false"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private Record near(String pod) {
        return lab.captured(pod).network(NEAR).build();
    }

    @Test
    void answerTellsNothingOfTheServer_andStrangersAreUnknown() throws IOException {
        lab.mesh(near("client"), near("server"));
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT)) {
            assertEquals(
                    Map.of(":status", "200"),
                    RawRequest.ask(
                            lab,
                            "legacy-one",
                            "client",
                            lab.ip("server") + ":" + PORT,
                            "baggage",
                            BaggageNetnsIT.ORIGIN));
            serving.stop();
        }
        LogEntry entry = since.onlyConnection("two");
        assertEquals("", entry.field("src.workload"));
        assertEquals(MeshYaml.idOf("client"), entry.field("src.identity"), "that is proven");
    }

    @Test
    void innerRequestOfADoubleTunnel_saysWhatTheOuterSays_andFromWhichNetworkItComes() {
        String key = AmbientLab.serviceKey("svc");
        lab.mesh(
                near("client"),
                near("server"),
                AmbientLab.service("svc")
                        .vip(NEAR, VIP)
                        .ports(80, PORT)
                        .sans(MeshYaml.idOf("server"))
                        .build(),
                Records.pod("remote")
                        .namespace(AmbientLab.NAMESPACE)
                        .network(FAR)
                        .hbone()
                        .ofKey(key, 80, PORT)
                        .gateway(Records.byIp(FAR, lab.ip("legacy-two"), 15_008))
                        .build(),
                lab.workload("legacy-two").network(FAR).build());
        try (HboneEnd behind = HboneEnd.echo(lab.ns("legacy-one"), Identities.look(lab, "server"));
                HboneEnd gateway = HboneEnd.forward(
                        lab.ns("legacy-two"),
                        Identities.look(lab, "legacy-two"),
                        lab.ns("legacy-one").ipv4(),
                        15_008)) {
            talk.both("client", VIP, 80, 1_000).expectOk();
            Map<String, String> outer = gateway.requests().getFirst().headers();
            Map<String, String> inner = behind.requests().getFirst().headers();
            assertEquals(
                    Set.of(":method", ":authority", "baggage", "forwarded", "traceparent", "x-forwarded-network"),
                    inner.keySet());
            assertEquals("svc.demo.svc:80", inner.get(":authority"));
            assertEquals(NEAR, inner.get("x-forwarded-network"));
            assertFalse(outer.containsKey("x-forwarded-network"), "gateways are not told");
            for (String same : Set.of(":authority", "baggage", "forwarded", "traceparent")) {
                assertEquals(outer.get(same), inner.get(same), same);
            }
            assertEquals(
                    MeshYaml.idOf("client"), behind.requests().getFirst().peer(), "the pod itself, not the gateway");
        }
    }
}
