package io.culvert.systemtests.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.Records;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.systemtests.ambient.AmbientExtension;
import io.culvert.systemtests.ambient.AmbientLab;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Another node proxy serves node one, ours node two; both are told the same by the same, in the same way. */
class PeerZtunnelInteropIT {
    private static final int PORT = 7000;
    private static final int MUCH = 3_000_000;
    private static final String VIP = "10.96.3.1";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(
            AmbientLab.builder().program("one", peer()).pod("theirs", "one").pod("ours", "two"));

    private final AmbientLab lab = LAB.lab();

    private static String peer() {
        return Objects.requireNonNull(
                System.getProperty("culvert.peer.ztunnel"),
                "run this by `make test-interop` with CULVERT_PEER_ZTUNNEL=/path/to/ztunnel");
    }

    private static Record service(String name) {
        return AmbientLab.service(name).vip(VIP).ports(80, PORT).build();
    }

    private CommandResult talk(String from, InetAddress to, int port, String... steps) {
        return NetProbe.connect(lab.net(), lab.ns(from), to, port, steps);
    }

    private void expectCarried(String client, String server, InetAddress to, int port) {
        Observation since = lab.observe();
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns(server), PORT, List.of("--quiet"), "echo")) {
            talk(client, to, port, "both:" + MUCH, "fin", "eof").expectOk();
            NetProbe.connect(
                            lab.net(),
                            lab.ns(client),
                            to,
                            port,
                            List.of("--connections", "150"),
                            "both:20000",
                            "fin",
                            "eof")
                    .expectOk();
            serving.stop();
        }
        long bytes = MUCH + 150L * 20_000;
        String reporter = client.equals("ours") ? "source" : "destination";
        since.expectFlows("two", Flow.mutual(reporter, client, server, 151, bytes, bytes));
    }

    @Test
    void theirClient_reachesOurServer_underBothIdentities() {
        lab.mesh();
        expectCarried("theirs", "ours", lab.ns("ours").ipv4(), PORT);
    }

    @Test
    void ourClient_reachesTheirServer_underBothIdentities() {
        lab.mesh();
        expectCarried("ours", "theirs", lab.ns("theirs").ipv4(), PORT);
    }

    @Test
    void theirClient_reachesOurServer_byTheServicesAddress() {
        lab.mesh(
                service("svc"),
                lab.captured("ours")
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build());
        expectCarried("theirs", "ours", InetAddress.ofLiteral(VIP), 80);
    }

    @Test
    void ourClient_reachesTheirServer_byTheServicesAddress() {
        lab.mesh(
                service("svc"),
                lab.captured("theirs")
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build());
        expectCarried("ours", "theirs", InetAddress.ofLiteral(VIP), 80);
    }

    private static Policy denyAll() {
        return new Policy(
                Records.key("demo/deny"),
                Policy.Scope.NAMESPACE,
                Policy.Action.DENY,
                List.of(new Rule(List.of(new Clause(List.of(Match.ALWAYS))))),
                false);
    }

    @Test
    void policy_keepsTheirClientOut_andOurs() {
        lab.mesh(denyAll());
        try (LabProcess ours = NetProbe.serve(lab.net(), lab.ns("ours"), PORT, "echo");
                LabProcess theirs = NetProbe.serve(lab.net(), lab.ns("theirs"), PORT, "echo")) {
            Observation since = lab.observe();
            talk("theirs", lab.ns("ours").ipv4(), PORT, "closed").expectOk();
            assertTrue(since.onlyConnection("two").field("error").contains("denied by policy"));
            since = lab.observe();
            talk("ours", lab.ns("theirs").ipv4(), PORT, "closed").expectOk();
            assertTrue(since.onlyConnection("two").field("error").contains("401"));
            assertEquals(MeshYaml.idOf("ours"), since.onlyConnection("two").field("src.identity"));
            ours.stop();
            theirs.stop();
        }
    }
}
