package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.Gen;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Pods and agents that come and go, in any order. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PodLifecycleNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int PORT = 7000;
    private static final List<String> MOVING = List.of("a", "b", "c", "d");

    private final MeshLab lab = MeshLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("a", "one")
            .legacyPod("b", "one")
            .legacyPod("c", "two")
            .legacyPod("d", "two")
            .start();

    @AfterEach
    void noTrouble() {
        lab.expectNoTrouble();
    }

    @AfterAll
    void close() {
        lab.close();
    }

    private void expectTunnelled(String from, String to) {
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns(to), PORT, "echo")) {
            Observation since = lab.observe();
            NetProbe.connect(lab.net(), lab.ns(from), lab.ns(to).ipv4(), PORT, "both:1000", "fin", "eof")
                    .expectOk();
            String source = lab.ns(from).node().orElseThrow();
            String destination = lab.ns(to).node().orElseThrow();
            Flow out = Flow.mutual("source", from, to, 1, 1000, 1000);
            Flow in = Flow.mutual("destination", from, to, 1, 1000, 1000);
            if (source.equals(destination)) {
                since.expectFlows(source, out, in);
            } else {
                since.expectFlows(source, out);
                since.expectFlows(destination, in);
            }
            serving.stop().expectOk();
        }
    }

    private String everythingOf(Netns ns) {
        StringBuilder all = new StringBuilder(lab.rules(ns));
        for (String family : List.of("-4", "-6")) {
            all.append(lab.net().exec(ns, "ip", family, "rule").expectOk().out());
            all.append(lab.net()
                    .exec(ns, "ip", family, "route", "show", "table", "100")
                    .out());
        }
        return all.toString();
    }

    @Test
    void podThatLeavesTheFile_isAsItWasBefore() {
        MeshYaml without = lab.mesh();
        String before = everythingOf(lab.ns("a"));
        lab.apply(without.pod(lab.ns("a")));
        assertNotEquals(before, everythingOf(lab.ns("a")));
        expectTunnelled("a", "server");
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo");
                LabProcess open = NetProbe.spawnConnect(
                        lab.net(), lab.ns("a"), lab.ns("server").ipv4(), PORT, List.of(), "both:100", "reset")) {
            Observation since = lab.observe();
            Eventually.holds("it is open", SOON, () -> open(serving));
            lab.apply(without);
            open.await(SOON).expectOk();
            Eventually.holds("told why", SOON, () -> since.ended("one", "pod_removed") == 1);
            assertEquals(before, everythingOf(lab.ns("a")));
            Observation plain = lab.observe();
            NetProbe.connect(lab.net(), lab.ns("a"), lab.ns("server").ipv4(), PORT, "both:100", "fin", "eof")
                    .expectOk();
            plain.expectFlows(
                    "two", Flow.plain("destination", Flow.End.UNKNOWN, Flow.End.proven("server"), 1, 100, 100));
            serving.stop();
        }
    }

    private boolean open(LabProcess server) {
        return server.isAlive()
                && lab.agent("one").configDump().at("/workloadState").findValues("outbound").stream()
                                .mapToInt(connections -> connections.size())
                                .sum()
                        == 1;
    }

    @Test
    void portThatAnotherProgramOfThePodHas_isNamed() {
        MeshYaml without = lab.mesh();
        lab.agent("one").allowTrouble("listen on \\[::\\]:15008: bind");
        try (LabProcess taken = NetProbe.serve(lab.net(), lab.ns("b"), 15_008, "echo")) {
            lab.post(without.pod(lab.ns("b")));
            Eventually.holds(
                    "it is told which",
                    SOON,
                    () -> lab.agent("one")
                            .configDump()
                            .path("workloadState")
                            .toString()
                            .contains("listen on [::]:15008: bind: EADDRINUSE"));
            taken.stop();
        }
        lab.awaitInForce("one", lab.mesh());
        lab.apply(without);
    }

    @Test
    void namespaceThatAppearsAfterItsPodIsNamed_isServedThen() {
        Netns server = lab.ns("server");
        // What the next pod of the lab will be.
        String prefix = server.netnsName().substring(0, server.netnsName().length() - "server".length());
        Netns late = new Netns(
                "late",
                prefix + "late",
                Optional.of("one"),
                InetAddress.ofLiteral("10.88.2.7"),
                Optional.of(InetAddress.ofLiteral("fd88::2:7")));
        lab.post(lab.mesh().pod(late));
        Eventually.holds(
                "the pod is known and waited for",
                SOON,
                () -> lab.agent("one")
                        .configDump()
                        .path("workloadState")
                        .toString()
                        .contains("does not exist yet"));
        assertEquals(late, lab.net().addPod("late", "one"));
        lab.awaitInForce("one", lab.mesh());
        expectTunnelled("late", "server");
        expectTunnelled("client", "late");
        recreateUnderTheSamePath(late);
        lab.apply(lab.mesh().withoutPod("late"));
    }

    private void recreateUnderTheSamePath(Netns late) {
        lab.net().removeNs("late");
        Netns again = lab.net().addPod("late", "one");
        assertEquals(late.path(), again.path());
        // As the file still says where the pod is, the new one takes the old one's addresses, too.
        lab.net()
                .exec(again, "ip", "addr", "add", late.ipv4().getHostAddress() + "/16", "dev", "eth0")
                .expectOk();
        lab.net().exec(lab.ns("client"), "ip", "neigh", "flush", "all").expectOk();
        try (LabProcess serving = NetProbe.serve(lab.net(), again, PORT, "echo")) {
            Eventually.passes("the new namespace is served", SOON, () -> {
                Observation since = lab.observe();
                NetProbe.connect(lab.net(), lab.ns("client"), late.ipv4(), PORT, "both:1000", "fin", "eof")
                        .expectOk();
                since.expectFlows(
                        "one",
                        Flow.mutual("source", "client", "late", 1, 1000, 1000),
                        Flow.mutual("destination", "client", "late", 1, 1000, 1000));
            });
            serving.stop().expectOk();
        }
        assertEquals(rulesOfAServedPod(), lab.rules(again));
    }

    private String rulesOfAServedPod() {
        return lab.rules(lab.ns("client"));
    }

    @Test
    void podThatLeavesWhileNoAgentRuns_isReleasedByTheNextAgent() {
        MeshYaml without = lab.mesh();
        String before = everythingOf(lab.ns("b"));
        lab.apply(without.pod(lab.ns("b")));
        lab.stopAgent("one");
        assertNotEquals(before, everythingOf(lab.ns("b")), "rules outlive the agent");
        lab.post(without);
        lab.startAgent("one");
        lab.awaitServing("one");
        Eventually.passes("the pod is as it was", SOON, () -> assertEquals(before, everythingOf(lab.ns("b"))));
        assertEquals(rulesOfAServedPod(), lab.rules(lab.ns("client")));
    }

    /** The pod's namespace under another node's care, on the same machine. */
    private static Netns on(String node, Netns pod) {
        return new Netns(pod.name(), pod.netnsName(), Optional.of(node), pod.ipv4(), pod.ipv6());
    }

    private double damages() {
        return MeshLab.NODES.stream()
                .mapToDouble(node -> lab.agent(node).metrics().sum("culvert_redirect_rules_damaged_total"))
                .sum();
    }

    @Test
    void podThatMovesBetweenNodesAndBack_isCapturedWholeEachTime() {
        MeshYaml without = lab.mesh();
        Netns pod = lab.ns("d");
        String before = everythingOf(pod);
        double damages = damages();
        lab.apply(without.pod(pod));
        Observation since = lab.observe();
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo");
                LabProcess connecting = connectForever(pod, lab.ns("server"))) {
            for (int move = 0; move < 6; move++) {
                lab.apply(without.pod(on(MeshLab.NODES.get(move % 2), pod)));
                assertEquals(rulesOfAServedPod(), lab.rules(pod), "move " + move);
            }
            connecting.stop();
            serving.stop();
        }
        assertEquals(
                List.of(),
                since.flows("two").stream()
                        .filter(flow -> flow.security().equals("unknown"))
                        .toList(),
                "nothing of it leaves in plaintext in between");
        expectTunnelled("client", "d");
        assertEquals(damages, damages(), "whole from the first, not mended afterwards");
        lab.apply(without);
        assertEquals(before, everythingOf(pod));
    }

    private LabProcess connectForever(Netns from, Netns to) {
        String connect =
                NetProbe.program() + " connect " + to.ipv4().getHostAddress() + " " + PORT + " -- both:10 fin eof";
        return lab.net().spawn(from, "sh", "-c", "while :; do " + connect + "; done >/dev/null 2>&1");
    }

    @Test
    void podThatMovesToANodeWhoseAgentIsLate_staysCapturedUntilThen() {
        MeshYaml without = lab.mesh();
        Netns pod = lab.ns("d");
        lab.apply(without.pod(on("one", pod)));
        lab.stopAgent("two");
        lab.post(without.pod(on("two", pod)));
        lab.awaitInForce("one", lab.mesh());
        assertEquals(rulesOfAServedPod(), lab.rules(pod));
        lab.startAgent("two");
        lab.awaitServing("two");
        assertEquals(rulesOfAServedPod(), lab.rules(pod));
        lab.apply(without);
    }

    @Test
    void podThatMovedWhileItsAgentWasDown_staysCapturedWhenThatComesBack() {
        MeshYaml without = lab.mesh();
        lab.apply(without.pod(lab.ns("a")));
        lab.stopAgent("one");
        lab.post(without.pod(on("two", lab.ns("a"))));
        lab.awaitInForce("two", lab.mesh());
        double damages = lab.agent("two").metrics().sum("culvert_redirect_rules_damaged_total");
        lab.startAgent("one");
        lab.awaitServing("one");
        assertEquals(rulesOfAServedPod(), lab.rules(lab.ns("a")));
        assertEquals(damages, lab.agent("two").metrics().sum("culvert_redirect_rules_damaged_total"));
        lab.apply(without);
    }

    @Test
    void podThatLeft_isReleasedByTheNextAgentOfTheMachine_thoughItIsAnotherNode() {
        MeshYaml without = lab.mesh();
        Netns left = lab.ns("b");
        String before = everythingOf(left);
        lab.apply(without.pod(left));
        MeshLab.NODES.forEach(lab::stopAgent);
        assertNotEquals(before, everythingOf(left));
        lab.post(without);
        String ofOne = everythingOf(lab.ns("client"));
        lab.startAgent("two");
        lab.awaitServing("two");
        Eventually.passes("the pod is as it was", SOON, () -> assertEquals(before, everythingOf(left)));
        assertEquals(ofOne, everythingOf(lab.ns("client")), "its node's agent is away, but it is in the mesh");
        lab.startAgent("one");
        lab.awaitServing("one");
    }

    @Test
    void rulesThatSomebodyDamages_areWrittenAnew_andTold() {
        String whole = everythingOf(lab.ns("server"));
        double damages = damages();
        lab.agent("two").allowTrouble("redirect rules of pod demo/server were damaged");
        lab.net()
                .exec(lab.ns("server"), "iptables", "-t", "nat", "-F", "ISTIO_PRERT")
                .expectOk();
        assertNotEquals(whole, everythingOf(lab.ns("server")));
        Eventually.passes(
                "they are written anew",
                Duration.ofSeconds(5),
                () -> assertEquals(whole, everythingOf(lab.ns("server"))));
        assertEquals(damages + 1, damages());
        assertEquals(
                1,
                lab.agent("two").log().stream()
                        .filter(line -> line.toString().contains("demo/server were damaged")
                                && line.toString().contains("ISTIO_PRERT rule 1"))
                        .count());
    }

    @Test
    void agentsAndPodsComeAndGoInAnyOrder_andTrafficFlowsInTheEnd() {
        Gen.forAll(1, this::comeAndGo);
    }

    private void comeAndGo(Gen gen) {
        MeshYaml fixed = lab.mesh();
        String pristine = lab.rules(lab.ns("a"));
        List<String> steps = new ArrayList<>();
        try {
            for (int i = 0; i < 14; i++) {
                step(gen, steps);
            }
            settle(pristine);
            lab.apply(fixed);
            MOVING.forEach(pod -> assertEquals(pristine, lab.rules(lab.ns(pod))));
        } catch (RuntimeException | Error e) {
            lab.printLogs();
            throw new AssertionError("steps " + steps, e);
        }
    }

    /** Nobody is waited for: agents are stopped while they start, and files change under way. */
    private void step(Gen gen, List<String> steps) {
        if (gen.oneIn(3)) {
            String node = gen.pick(MeshLab.NODES);
            steps.add((lab.hasAgent(node) ? "stop " : "start ") + node);
            if (lab.hasAgent(node)) {
                lab.stopAgent(node);
            } else {
                lab.startAgent(node);
            }
            return;
        }
        String pod = gen.pick(MOVING);
        Netns ns = lab.ns(pod);
        String node = ns.node().orElseThrow();
        boolean in = lab.mesh().podsOf(node).contains(pod);
        if (!in) {
            steps.add("add " + pod);
            lab.post(lab.mesh().pod(ns));
        } else {
            steps.add("remove " + pod);
            lab.post(lab.mesh().withoutPod(pod));
        }
    }

    private void settle(String pristine) {
        for (String node : MeshLab.NODES) {
            if (!lab.hasAgent(node)) {
                lab.startAgent(node);
            }
        }
        MeshLab.NODES.forEach(lab::awaitServing);
        List<String> inMesh = new ArrayList<>(List.of("client", "server"));
        for (String pod : MOVING) {
            boolean in = lab.mesh().podsOf(lab.ns(pod).node().orElseThrow()).contains(pod);
            if (in) {
                inMesh.add(pod);
            }
            String wanted = in ? rulesOfAServedPod() : pristine;
            Eventually.passes("the rules of " + pod, SOON, () -> assertEquals(wanted, lab.rules(lab.ns(pod))));
        }
        for (String from : inMesh) {
            for (String to : inMesh) {
                if (!from.equals(to)) {
                    expectTunnelled(from, to);
                }
            }
        }
    }
}
