package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.Records;
import io.culvert.systemtests.handover.DnsUpstream;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Endpoints of which the mesh knows a hostname and no address; the agent asks its own system for one when it connects. */
class HostnameNetnsIT {
    private static final String VIP = "10.96.9.1";
    private static final String KEY = AmbientLab.serviceKey("svc");

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("legacy", "two")
            .outside("nameserver")
            .resolvConf(lab -> "nameserver " + lab.ip("nameserver") + "\noptions timeout:2 attempts:1\n"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private static Record svc() {
        return AmbientLab.service("svc").vip(VIP).ports(80, PORT).build();
    }

    private double demands() {
        return lab.agent("one").metrics().sum("istio_on_demand_dns_total");
    }

    private static boolean names(DnsUpstream.Asked asked, String label) {
        return new String(asked.message(), StandardCharsets.ISO_8859_1).contains(label);
    }

    @Test
    void hostBehindAService_isAskedForWhenItIsConnectedTo_andOnce() {
        lab.mesh(
                svc(),
                Records.external("database")
                        .namespace(AmbientLab.NAMESPACE)
                        .hostname("database.example.org")
                        .ofKey(KEY, 80, PORT)
                        .build());
        double before = demands();
        Observation since = lab.observe();
        try (DnsUpstream dns =
                        DnsUpstream.start(lab.ns("nameserver"), lab.ns("legacy").ipv4());
                LabProcess serving = talk.echo("legacy", PORT)) {
            talk.both("client", VIP, 80, 1_000).expectOk();
            talk.both("client", VIP, 80, 1_000).expectOk();
            serving.stop();
            List<DnsUpstream.Asked> asked =
                    dns.asked().stream().filter(each -> names(each, "database")).toList();
            assertTrue(!asked.isEmpty() && asked.size() <= 2, "for A and AAAA, once: " + asked);
            assertEquals(lab.ns("one").ipv4(), asked.getFirst().from(), "not by the pod");
        }
        since.expectFlows(
                "one", Flow.plain("source", Flow.End.unproven("client"), Flow.End.proven("database"), 2, 2_000, 2_000));
        assertEquals(before + 2, demands(), "demands are counted, however they are met");
    }

    @Test
    void hostThatTheNameServerDoesNotKnow_isNotReached() {
        lab.mesh(
                svc(),
                Records.external("nowhere")
                        .namespace(AmbientLab.NAMESPACE)
                        .hostname("nowhere.example.org")
                        .ofKey(KEY, 80, PORT)
                        .build());
        Observation since = lab.observe();
        try (DnsUpstream dns =
                DnsUpstream.start(lab.ns("nameserver"), lab.ns("legacy").ipv4())) {
            CommandResult refused =
                    NetProbe.connect(lab.net(), lab.ns("client"), InetAddress.ofLiteral(VIP), 80, "closed");
            refused.expectOk();
            assertTrue(dns.asked().stream().anyMatch(each -> names(each, "nowhere")));
        }
        String error = since.onlyConnection("one").field("error");
        assertTrue(error.contains("nowhere.example.org"), error);
    }
}
