package io.culvert.systemtests.netns;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.util.List;

/** The ways that bytes can take through agents, with the two ends that show each; needs {@link #builder}'s pods. */
enum Way {
    TUNNEL_BETWEEN_NODES("client", "server", "one", "two"),
    TUNNEL_WITHIN_A_NODE("client", "near", "one", "one"),
    PLAINTEXT_IN("legacy", "server", "", "two"),
    PLAINTEXT_OUT("client", "legacy", "one", "");

    static final int PORT = 7000;

    private final String from;
    private final String to;
    /** The node whose agent serves the source, empty when none does; likewise of the destination. */
    private final String sourceNode;

    private final String destinationNode;

    Way(String from, String to, String sourceNode, String destinationNode) {
        this.from = from;
        this.to = to;
        this.sourceNode = sourceNode;
        this.destinationNode = destinationNode;
    }

    static MeshLab.Builder builder() {
        return MeshLab.builder()
                .pod("client", "one")
                .pod("near", "one")
                .pod("server", "two")
                .legacyPod("legacy", "two")
                .outside("far");
    }

    /** Whether it goes through a tunnel between two agents. */
    boolean isTunnel() {
        return !sourceNode.isEmpty() && !destinationNode.isEmpty();
    }

    /** The only agent that plaintext passes through. */
    AgentProcess plaintextAgent(MeshLab lab) {
        return lab.agent(sourceNode + destinationNode);
    }

    /** Connects to a server that {@link #serve} started. */
    CommandResult connect(MeshLab lab, List<String> options, String... steps) {
        return NetProbe.connect(lab.net(), lab.ns(from), lab.ns(to).ipv4(), PORT, options, steps);
    }

    /** Starts a client that goes on beside the test. */
    LabProcess spawnConnect(MeshLab lab, List<String> options, String... steps) {
        return NetProbe.spawnConnect(lab.net(), lab.ns(from), lab.ns(to).ipv4(), PORT, options, steps);
    }

    LabProcess serve(MeshLab lab, List<String> options, String... steps) {
        return NetProbe.serve(lab.net(), lab.ns(to), PORT, options, steps);
    }

    /** A server of one connection that ends with it. */
    LabProcess serveOne(MeshLab lab, String... steps) {
        return serve(lab, List.of("--accept", "1", "--hash"), steps);
    }

    /** Waits until the agents on the way have counted so many connections that ended well, and so many bytes. */
    void expect(Observation since, long connections, long up, long down) {
        Flow source = isTunnel()
                ? Flow.mutual("source", from, to, connections, up, down)
                : Flow.plain("source", Flow.End.unproven(from), Flow.End.UNKNOWN, connections, up, down);
        Flow destination = isTunnel()
                ? Flow.mutual("destination", from, to, connections, up, down)
                : Flow.plain("destination", Flow.End.UNKNOWN, Flow.End.proven(to), connections, up, down);
        if (sourceNode.equals(destinationNode)) {
            since.expectFlows(sourceNode, source, destination);
            return;
        }
        if (!sourceNode.isEmpty()) {
            since.expectFlows(sourceNode, source);
        }
        if (!destinationNode.isEmpty()) {
            since.expectFlows(destinationNode, destination);
        }
    }
}
