package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A mesh that nobody tells but a file, in the shape in which dumps show it. */
class LocalMeshNetnsIT {
    private static final String VIP = "10.96.8.1";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("denied", "one")
            .pod("server", "two")
            .legacyPod("legacy", "two")
            .environment("XDS_ADDRESS", "")
            .environment(
                    "LOCAL_XDS_PATH",
                    lab -> lab.write("local.yaml", LocalMeshNetnsIT.text(lab)).toString()));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private static String text(AmbientLab lab) {
        return String.format(
                Locale.ROOT,
                """
                workloads:
                - uid: cluster1//v1/Pod/demo/client
                  name: client
                  namespace: demo
                  serviceAccount: client
                  workloadName: client
                  workloadIps: ["%s"]
                  protocol: HBONE
                  node: one
                - uid: cluster1//v1/Pod/demo/denied
                  name: denied
                  namespace: demo
                  serviceAccount: denied
                  workloadName: denied
                  workloadIps: ["%s"]
                  protocol: HBONE
                  node: one
                - uid: cluster1//v1/Pod/demo/server
                  name: server
                  namespace: demo
                  serviceAccount: server
                  workloadName: server
                  workloadIps: ["%s"]
                  protocol: HBONE
                  node: two
                  authorizationPolicies: [demo/deny-one]
                  services:
                    demo/svc.demo.svc:
                      80: %d
                - uid: cluster1//v1/Pod/demo/legacy
                  name: legacy
                  namespace: demo
                  workloadName: legacy
                  workloadIps: ["%s"]
                  protocol: TCP
                  node: two
                services:
                - name: svc
                  namespace: demo
                  hostname: svc.demo.svc
                  vips: [/%s]
                  ports: {80: %d}
                policies:
                - name: deny-one
                  namespace: demo
                  scope: WorkloadSelector
                  action: Deny
                  rules:
                  - - - principals: [{Exact: cluster.local/ns/demo/sa/denied}]
                """,
                lab.ip("client"),
                lab.ip("denied"),
                lab.ip("server"),
                PORT,
                lab.ip("legacy"),
                VIP,
                PORT);
    }

    private void expectTunnelled(Runnable conversation) {
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT)) {
            conversation.run();
            serving.stop();
        }
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, 1_000, 1_000));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, 1_000, 1_000));
    }

    @Test
    void podsOfTwoNodes_talkUnderBothIdentities_byAddressAndByService() {
        expectTunnelled(() -> talk.both("client", lab.ip("server"), PORT, 1_000).expectOk());
        expectTunnelled(() -> talk.both("client", VIP, 80, 1_000).expectOk());
        assertEquals(0, lab.discovery().streamsOpened(), "nobody asks a control plane");
    }

    @Test
    void podThatIsNotCaptured_isReachedInPlaintext() {
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("legacy", PORT)) {
            talk.both("client", lab.ip("legacy"), PORT, 1_000).expectOk();
            serving.stop();
        }
        since.expectFlows(
                "one",
                Flow.plain(
                        "source",
                        Flow.End.unproven("client"),
                        new Flow.End("legacy", "spiffe://cluster.local/ns/demo/sa/default"),
                        1,
                        1_000,
                        1_000));
    }

    @Test
    void clientThatAPolicyOfTheFileDenies_isCutOff() {
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT)) {
            NetProbe.connect(lab.net(), lab.ns("denied"), lab.ns("server").ipv4(), PORT, "closed")
                    .expectOk();
            serving.stop();
        }
        assertEquals(MeshYaml.idOf("denied"), since.onlyConnection("two").field("src.identity"));
        assertTrue(
                since.onlyConnection("two").field("error").contains("demo/deny-one"),
                () -> since.accessLog("two").toString());
    }
}
