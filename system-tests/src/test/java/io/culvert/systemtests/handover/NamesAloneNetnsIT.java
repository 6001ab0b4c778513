package io.culvert.systemtests.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.MeshLab;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Agents that answer names and carry nothing. */
class NamesAloneNetnsIT {
    private final MeshLab lab = MeshLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .mesh(mesh ->
                    mesh.service("web", "hostname: web.demo.svc.cluster.local, vips: [10.96.1.1], ports: [{port: 80}]"))
            .environment("ISTIO_META_DNS_CAPTURE", "true")
            .environment("ENABLE_PROXY", "false")
            .start();

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void namesAreAnswered_andTcpIsLeftAlone() throws IOException {
        byte[] query = DnsWire.query(1, "web", DnsWire.A);
        byte[] answer = DnsProbe.udp(lab.ns("client"), InetAddress.ofLiteral("10.96.0.10"), query);
        assertEquals(List.of("10.96.1.1"), DnsWire.parse(answer).data(DnsWire.A));
        try (LabProcess server = NetProbe.serve(lab.net(), lab.ns("server"), 7000, "echo")) {
            NetProbe.connect(lab.net(), lab.ns("client"), lab.ns("server").ipv4(), 7000, "both:1000", "fin", "eof")
                    .expectOk();
            server.stop();
        }
        String listening = lab.net()
                .exec(lab.ns("server"), "cat", "/proc/net/tcp", "/proc/net/tcp6")
                .expectOk()
                .out();
        // 15053 is listened at, 15001, 15006 and 15008 are not.
        assertTrue(listening.contains(":3ACD "), listening);
        for (String port : List.of(":3A99 ", ":3A9E ", ":3AA0 ")) {
            assertFalse(listening.contains(port), listening);
        }
        assertEquals(List.of(), lab.agent("one").connectionEnds());
        lab.expectNoTrouble();
    }
}
