package io.culvert.systemtests.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.testkit.Eventually;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What the agents had counted and logged when this was made; later it tells what came since. */
public final class Observation {
    private static final Duration COUNTED_MAX = Duration.ofSeconds(5);

    private final Agents lab;
    private final Map<String, AgentMetrics> metrics = new HashMap<>();
    private final Map<String, Integer> ends = new HashMap<>();

    /** Begins now. */
    public Observation(Agents lab) {
        this.lab = lab;
        for (AgentProcess agent : lab.agents()) {
            metrics.put(agent.node().name(), agent.metrics());
            ends.put(agent.node().name(), agent.connectionEnds().size());
        }
    }

    /** What a node's agent has counted since. */
    public List<Flow> flows(String node) {
        return Flow.between(before(node), lab.agent(node).metrics());
    }

    /** How many connections a node's agent has ended since, for a reason. */
    public long ended(String node, String reason) {
        return Math.round(lab.agent(node).metrics().ended(reason) - before(node).ended(reason));
    }

    private AgentMetrics before(String node) {
        AgentMetrics found = metrics.get(node);
        if (found == null) {
            throw new IllegalStateException("no agent ran on " + node);
        }
        return found;
    }

    /** Waits until a node's agent has counted just these flows since, no byte more or less. */
    public void expectFlows(String node, Flow... wanted) {
        Eventually.passes("the agent on " + node + " has counted", COUNTED_MAX, () -> {
            assertEquals(text(Arrays.asList(wanted)), text(flows(node)));
        });
    }

    private static String text(List<Flow> flows) {
        return flows.stream().map(Flow::toString).sorted().collect(Collectors.joining("\n"));
    }

    /** What a node's access log has told of connections' ends since. */
    public List<LogEntry> accessLog(String node) {
        List<LogEntry> all = lab.agent(node).connectionEnds();
        return all.subList(ends.getOrDefault(node, 0), all.size());
    }

    /** Waits for the only connection whose end a node's access log has told since. */
    public LogEntry onlyConnection(String node) {
        Eventually.holds(
                "one line in the access log of " + node,
                COUNTED_MAX,
                () -> accessLog(node).size() == 1);
        return accessLog(node).getFirst();
    }
}
