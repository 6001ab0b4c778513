package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What an agent has counted of bad peers since this was made. */
final class Tally {
    private static final Duration COUNTED_MAX = Duration.ofSeconds(6);

    private final AgentProcess agent;
    private final AgentMetrics before;

    private Tally(AgentProcess agent) {
        this.agent = agent;
        this.before = scrape(agent);
    }

    /** Without a process of its own, since this is done all the time. */
    private static AgentMetrics scrape(AgentProcess agent) {
        try (PeerSocket socket =
                PeerSocket.connect(agent.node(), InetAddress.ofLiteral("127.0.0.1"), BadInputLab.METRICS)) {
            socket.write(H2.ascii("GET /metrics HTTP/1.0\r\n\r\n"));
            String reply = new String(socket.readToEnd(COUNTED_MAX), StandardCharsets.UTF_8);
            List<String> lines = reply.lines()
                    .filter(line -> line.startsWith("culvert_bad_peer_total{")
                            || line.startsWith("culvert_connections_ended_total{"))
                    .toList();
            return AgentMetrics.parse(String.join("\n", lines));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Tally of(AgentProcess agent) {
        return new Tally(agent);
    }

    private Map<BadPeer, Long> since(AgentMetrics now) {
        Map<BadPeer, Long> counts = new EnumMap<>(BadPeer.class);
        for (BadPeer kind : BadPeer.values()) {
            long count = Math.round(now.sum("culvert_bad_peer_total", "kind", kind.label())
                    - before.sum("culvert_bad_peer_total", "kind", kind.label()));
            if (count != 0) {
                counts.put(kind, count);
            }
        }
        return counts;
    }

    /** Waits until just this has been counted, of every kind. */
    void expect(Map<BadPeer, Long> wanted) {
        Map<BadPeer, Long> sorted = new TreeMap<>(wanted);
        Eventually.passes(
                "counted: " + sorted, COUNTED_MAX, () -> assertEquals(sorted, new TreeMap<>(since(scrape(agent)))));
    }

    /** Waits until at least so much has been counted, and nothing of other kinds. */
    void expectAtLeast(Map<BadPeer, Long> wanted) {
        Eventually.passes("counted at least: " + wanted, COUNTED_MAX, () -> {
            Map<BadPeer, Long> seen = since(scrape(agent));
            assertEquals(wanted.keySet(), seen.keySet(), seen::toString);
            wanted.forEach((kind, least) -> assertTrue(seen.getOrDefault(kind, 0L) >= least, seen::toString));
        });
    }

    /** Waits until so much has been counted of these kinds together, a few more at most, and nothing of others. */
    void expectTotal(Set<BadPeer> kinds, long least, long most) {
        Eventually.passes("counted " + least + " of " + kinds, COUNTED_MAX, () -> {
            Map<BadPeer, Long> seen = since(scrape(agent));
            assertTrue(kinds.containsAll(seen.keySet()), seen::toString);
            long total = seen.values().stream().mapToLong(Long::longValue).sum();
            assertTrue(least <= total && total <= most, seen::toString);
        });
    }

    /** Waits until one of this kind has been counted and nothing else. */
    void expectOne(BadPeer kind) {
        expect(Map.of(kind, 1L));
    }

    /** Waits until one of this kind has been counted, and nothing else but perhaps these. */
    void expectOne(BadPeer kind, Set<BadPeer> besides) {
        Eventually.passes("counted: one " + kind, COUNTED_MAX, () -> {
            Map<BadPeer, Long> seen = since(scrape(agent));
            Map<BadPeer, Long> rest = new TreeMap<>(seen);
            rest.keySet().removeAll(besides);
            assertEquals(Map.of(kind, 1L), rest, seen::toString);
        });
    }

    /** Waits until just so many connections have ended for this reason. */
    void expectEnded(CloseReason reason, long times) {
        Eventually.passes(
                "connections ended for " + reason,
                COUNTED_MAX,
                () -> assertEquals(
                        times, Math.round(scrape(agent).ended(reason.label()) - before.ended(reason.label()))));
    }
}
