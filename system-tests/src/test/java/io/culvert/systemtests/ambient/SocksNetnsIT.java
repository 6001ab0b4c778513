package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.mesh.Records;
import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Clients that say by SOCKS5 where they are going, through real agents. */
class SocksNetnsIT {
    private static final String VIP = "10.96.3.1";
    private static final byte[] MESSAGE = "hello from a client of the mesh".getBytes(StandardCharsets.US_ASCII);
    private static final int BYTES = MESSAGE.length;
    private static final String GREETING = "050100";
    private static final String CHOSEN = "0500";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("near", "one")
            .pod("server", "two")
            .legacyPod("legacy-one", "one")
            .legacyPod("legacy-two", "two")
            .environment("UNSTABLE_ENABLE_SOCKS5", "true"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private void talk(String server, InetSocketAddress to) {
        try (LabProcess serving = talk.echo(server, PORT)) {
            SocksClient.both(lab.ns("client"), to, MESSAGE);
            serving.stop();
        }
    }

    private InetSocketAddress address(String server) {
        return new InetSocketAddress(lab.ns(server).ipv4(), PORT);
    }

    @Test
    void hbonePeer_isReachedUnderBothIdentities_onAnotherNodeAndOnThisOne() {
        lab.mesh();
        Observation since = lab.observe();
        talk("server", address("server"));
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, BYTES, BYTES));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, BYTES, BYTES));
        LogEntry entry = since.onlyConnection("one");
        assertEquals("outbound", entry.field("direction"));
        assertEquals(lab.ip("server") + ":" + PORT, entry.field("dst.hbone_addr"));
        Observation local = lab.observe();
        talk("near", address("near"));
        local.expectFlows(
                "one",
                Flow.mutual("source", "client", "near", 1, BYTES, BYTES),
                Flow.mutual("destination", "client", "near", 1, BYTES, BYTES));
    }

    @Test
    void plaintextPeer_isReached_onAnotherNodeAndOnThisOne() {
        lab.mesh(lab.workload("legacy-two").build(), lab.workload("legacy-one").build());
        for (String legacy : new String[] {"legacy-two", "legacy-one"}) {
            Observation since = lab.observe();
            talk(legacy, address(legacy));
            since.expectFlows(
                    "one", Flow.plain("source", Flow.End.unproven("client"), Flow.End.proven(legacy), 1, BYTES, BYTES));
        }
    }

    @Test
    void serviceAddress_leadsToItsEndpoint_onAnotherNodeAndOnThisOne() {
        for (String endpoint : new String[] {"server", "near"}) {
            publishService(endpoint);
            talk(endpoint, new InetSocketAddress(InetAddress.ofLiteral(VIP), 80));
        }
    }

    private void publishService(String endpoint) {
        lab.mesh(
                AmbientLab.service("svc").vip(VIP).ports(80, PORT).build(),
                lab.captured(endpoint)
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build());
    }

    @Test
    void hostname_isResolvedByTheMesh_andReached() {
        publishService("near");
        Observation since = lab.observe();
        talk("near", InetSocketAddress.createUnresolved("svc.demo.svc", 80));
        assertEquals(2, since.flows("one").size(), since.flows("one").toString());
    }

    @Test
    void hostnameOfAnEndpoint_isResolvedWhenItIsDialled_eachTime() {
        lab.mesh(
                AmbientLab.service("named").vip(VIP).ports(80, PORT).build(),
                Records.external("named")
                        .namespace(AmbientLab.NAMESPACE)
                        .hostname("localhost")
                        .ofKey(AmbientLab.serviceKey("named"), 80, PORT)
                        .build());
        AgentMetrics before = lab.agent("one").metrics();
        for (int i = 0; i < 2; i++) {
            talk("client", new InetSocketAddress(InetAddress.ofLiteral(VIP), 80));
        }
        Eventually.passes(
                "both are counted",
                Duration.ofSeconds(5),
                () -> assertEquals(
                        2,
                        lab.agent("one").metrics().sum("istio_on_demand_dns_total")
                                - before.sum("istio_on_demand_dns_total")));
    }

    @Test
    void whatCannotBeServed_isAnsweredAsTheProtocolHasIt() {
        lab.mesh();
        assertEquals("05ff", SocksClient.answer(lab.ns("client"), "050102"));
        assertEquals("05070001000000000000", SocksClient.answer(lab.ns("client"), "474554202f0d0a0d0a"));
        assertEquals(
                CHOSEN + "05070001000000000000",
                SocksClient.answer(lab.ns("client"), GREETING + "05020001" + "0a000001" + "0050"));
        assertEquals(
                CHOSEN + "05020001000000000000",
                SocksClient.answer(lab.ns("client"), GREETING + "05010001" + "7f000001" + "3ae8"));
        // Nobody listens there: that is found out only after the answer.
        String refused = SocksClient.answer(lab.ns("client"), GREETING + "05010001" + "7f000001" + "0001");
        assertEquals(CHOSEN + "05000001000000000000" + " reset", refused);
    }
}
