package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Calls of the agent's own ports from everywhere: no loop, no way around policy, and no answer but from the ports that are there
 * to answer.
 */
class ScanNetnsIT {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(6);
    private static final List<Integer> PORTS = List.of(15_001, 15_006, 15_008, 15_000, 15_020, 15_021, 15_053, 15_080);

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    /** C: connecting fails. R: it connects and is closed without an answer. H: HTTP 400. */
    private static String call(Netns from, InetAddress to, int port) {
        try (PeerSocket socket = PeerSocket.connect(from, to, port)) {
            socket.write(H2.ascii("garbage\r\n\r\n"));
            String answer = new String(socket.readToEnd(ANSWER_MAX), StandardCharsets.ISO_8859_1);
            if (answer.startsWith("HTTP/1.")) {
                return answer.substring(9, 12).equals("400") ? "H" : answer;
            }
            // A TLS alert is no answer that anybody could use.
            return answer.isEmpty() || answer.charAt(0) == 21 ? "R" : answer;
        } catch (ConnectException refused) {
            return "C";
        } catch (PeerGoneException gone) {
            return "R";
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String calls(Netns from, InetAddress to) {
        StringBuilder outcome = new StringBuilder();
        PORTS.forEach(port -> outcome.append(call(from, to, port)));
        return outcome.toString();
    }

    /** Calls that the agent of the called pod takes itself: two of them go to ports that are its own, one is no TLS. */
    private static void callsToThePod(String from, InetAddress to, String outcome) {
        Tally tally = LAB.tally();
        assertEquals(outcome, calls(LAB.ns(from), to), to.toString());
        tally.expect(Map.of(BadPeer.OWN_PORT, 2L, BadPeer.NOT_TLS, 1L));
    }

    @Test
    void fromAPodToItself() {
        LAB.ns("server").addresses().forEach(own -> callsToThePod("server", own, "RRRCCCCC"));
    }

    @Test
    void fromAPodToItsLoopback() {
        for (String loopback : List.of("127.0.0.1", "::1", "127.9.9.9")) {
            callsToThePod("server", InetAddress.ofLiteral(loopback), "RRRCCCCC");
        }
    }

    @Test
    void fromAPodToTheAgentsNode() {
        Tally tally = Tally.of(LAB.clientAgent());
        assertEquals("RRRRHHRR", calls(LAB.ns("client"), LAB.ns("two").ipv4()));
        tally.expect(Map.of());
    }

    @Test
    void fromAPodToItsOwnNode() {
        Tally tally = LAB.tally();
        assertEquals("RRRRHHRR", calls(LAB.ns("server"), LAB.ns("two").ipv4()));
        tally.expect(Map.of());
    }

    @Test
    void fromOutsideToTheAgentsNode() {
        Tally tally = LAB.tally();
        assertEquals("CCCCHHCC", calls(LAB.ns("legacy"), LAB.ns("two").ipv4()));
        assertEquals("CCCCHHCC", calls(LAB.ns("away"), LAB.ns("two").v6()));
        tally.expect(Map.of());
    }

    @Test
    void fromOutsideToAPod() {
        LAB.ns("server").addresses().forEach(pod -> callsToThePod("legacy", pod, "RRRRRRRR"));
    }

    /** Through two agents: the far one refuses what the near one cannot know. */
    @Test
    void fromAPodToAnother() {
        Tally near = Tally.of(LAB.clientAgent());
        Tally far = LAB.tally();
        assertEquals("RRRRRRRR", calls(LAB.ns("client"), LAB.server()));
        far.expect(Map.of(BadPeer.OWN_PORT, 3L));
        near.expect(Map.of());
    }

    /** Ports that nobody serves, one after the other, from within and from three sides outside: nothing is said or counted. */
    @Test
    void aScanOfUnusedPorts() throws IOException {
        Tally tally = LAB.tally();
        for (String from : List.of("server", "client", "legacy", "away")) {
            for (int port : unusedPorts()) {
                knock(LAB.ns(from), port);
            }
        }
        tally.expect(Map.of());
    }

    private static List<Integer> unusedPorts() {
        List<Integer> ports = new ArrayList<>(List.of(1, 22, 80, 443, 8080, 65_535));
        for (int port = 14_980; port < 15_100; port++) {
            ports.add(port);
        }
        ports.removeAll(List.of(BadInputLab.OUTBOUND, BadInputLab.PLAINTEXT, BadInputLab.HBONE));
        return ports;
    }

    private static void knock(Netns from, int port) throws IOException {
        try {
            PeerSocket.connect(from, LAB.server(), port).close();
        } catch (ConnectException nobody) {
            assertEquals(
                    "server",
                    from.name(),
                    "only the pod itself is told by the kernel, on port " + port + ": " + nobody);
        } catch (PeerGoneException atOnce) {
            assertEquals(PeerGoneException.How.RST, atOnce.how());
        }
    }
}
