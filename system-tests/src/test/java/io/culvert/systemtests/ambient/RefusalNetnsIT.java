package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.Records;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.systemtests.badinput.HostilePeer;
import io.culvert.systemtests.badinput.PeerGoneException;
import io.culvert.systemtests.badinput.PeerSocket;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who is turned away, and how it shows. */
class RefusalNetnsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private HostilePeer client() throws IOException {
        return HostilePeer.dial(lab.ns("legacy-one"), lab.ns("server").ipv4(), Identities.look(lab, "client"))
                .greet();
    }

    private static Policy allow(String principal) {
        Match match = new Match(
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(new StringMatch.Exact(principal)),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
        return new Policy(
                Records.key("demo/allow"),
                Policy.Scope.WORKLOAD_SELECTOR,
                Policy.Action.ALLOW,
                List.of(new Rule(List.of(new Clause(List.of(match))))),
                false);
    }

    @Test
    void peerThatNoPolicyAllows_isAnswered401_andTheLogSaysWhy() throws IOException {
        lab.mesh(
                lab.captured("server").policies("demo/allow").build(),
                allow("spiffe://cluster.local/ns/demo/sa/client"));
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT);
                HostilePeer peer = client()) {
            assertEquals(401, peer.connect(lab.ip("server") + ":" + PORT));
            serving.stop();
        }
        LogEntry entry = since.onlyConnection("two");
        assertEquals("error", entry.field("level"));
        assertTrue(entry.field("error").contains("denied by policy"), entry.toString());
    }

    @Test
    void peerThatAPolicyAllows_isServed() throws IOException {
        lab.mesh(lab.captured("server").policies("demo/allow").build(), allow("cluster.local/ns/demo/sa/client"));
        try (LabProcess serving = talk.echo("server", PORT);
                HostilePeer peer = client()) {
            assertEquals(200, peer.connect(lab.ip("server") + ":" + PORT));
            serving.stop();
        }
    }

    @Test
    void authorityThatIsNotThePods_isAnswered400_andTheLogNamesBothAddresses() throws IOException {
        lab.mesh();
        Observation since = lab.observe();
        try (HostilePeer peer = client()) {
            assertEquals(400, peer.connect(lab.ip("other") + ":" + PORT));
        }
        String error = since.onlyConnection("two").field("error");
        assertTrue(error.contains(lab.ip("other")) && error.contains(lab.ip("server")), error);
    }

    @Test
    void clientOfAnotherTrustDomain_isCutOff() {
        lab.mesh(lab.captured("gate").trustDomain("elsewhere.example").build());
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT)) {
            NetProbe.connect(lab.net(), lab.ns("gate"), lab.ns("server").ipv4(), PORT, "closed")
                    .expectOk();
            serving.stop();
        }
        LogEntry source = since.onlyConnection("one");
        assertTrue(!source.field("error").isEmpty(), source.toString());
        assertTrue(
                since.onlyConnection("two").field("error").contains("trust domain"),
                since.accessLog("two").toString());
    }

    /** What became of a few bytes that no protocol begins with. */
    private enum Outcome {
        /** Not even connected. */
        REFUSED,
        /** Connected, then closed without an answer. */
        CLOSED,
        /** Told in HTTP that it makes no sense. */
        BAD_REQUEST,
        /** Neither. */
        OTHER
    }

    private Outcome garbage(String from, String to, int port) throws IOException {
        try (PeerSocket socket = PeerSocket.connect(lab.ns(from), InetAddress.ofLiteral(to), port)) {
            socket.write("garbage\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return answer(socket);
        } catch (ConnectException refused) {
            return Outcome.REFUSED;
        } catch (PeerGoneException gone) {
            return Outcome.CLOSED;
        }
    }

    private static Outcome answer(PeerSocket socket) throws IOException {
        StringBuilder got = new StringBuilder();
        Deadline deadline = Deadline.after(PATIENCE);
        try {
            while (!deadline.passed()) {
                got.append(new String(socket.read(deadline.remaining()), StandardCharsets.ISO_8859_1));
                if (got.toString().startsWith("HTTP/1.1 400")) {
                    return Outcome.BAD_REQUEST;
                }
            }
        } catch (PeerGoneException gone) {
            // A TLS alert is an answer to nobody who did not speak TLS.
            return got.isEmpty() || got.charAt(0) == 0x15 ? Outcome.CLOSED : Outcome.OTHER;
        }
        return Outcome.OTHER;
    }

    private String row(int port) throws IOException {
        List<String> columns = List.of(
                "client>" + lab.ip("one"),
                "client>" + lab.ip("client"),
                "client>127.0.0.1",
                "legacy-one>" + lab.ip("one"),
                "legacy-one>" + lab.ip("client"));
        StringBuilder row = new StringBuilder();
        for (String column : columns) {
            String[] ends = column.split(">", 2);
            row.append(
                    switch (garbage(ends[0], ends[1], port)) {
                        case REFUSED -> 'C';
                        case CLOSED -> 'R';
                        case BAD_REQUEST -> 'H';
                        case OTHER -> '?';
                    });
        }
        return row.toString();
    }

    /** From a captured pod to the agent, itself, its loopback; from one that nobody captures to the agent, to the captured pod. */
    @Test
    void portsOfTheAgent_answerNobodyWhoShouldNotReachThem() throws IOException {
        lab.mesh(lab.ownPod("one").build());
        Map<Integer, String> wanted = new LinkedHashMap<>();
        wanted.put(15_001, "RRRCR");
        wanted.put(15_006, "RRRCR");
        wanted.put(15_008, "RRRRR");
        wanted.put(15_080, "RCCCR");
        wanted.put(15_000, "RCCCR");
        wanted.put(15_020, "HCCHR");
        wanted.put(15_021, "HCCHR");
        Map<Integer, String> seen = new LinkedHashMap<>();
        for (int port : wanted.keySet()) {
            seen.put(port, row(port));
        }
        assertEquals(wanted, seen);
    }
}
