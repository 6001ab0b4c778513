package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules and routes that somebody takes away under the agent are back within seconds, with either kind of iptables. */
class RuleRepairNetnsIT {
    private static final Duration REPAIRED_WITHIN = Duration.ofSeconds(5);
    private static final Duration SOON = Duration.ofSeconds(10);
    /** Longer than any pause between two looks. */
    private static final Duration CALM = Duration.ofSeconds(4);

    private static final int PORT = 7000;
    private static final String DAMAGED = "culvert_redirect_rules_damaged_total";
    private static final String LOOKS = "culvert_redirect_rules_looks_total";

    /** A look at what changed, and one that confirms what was written; what takes two commands may be heard of twice. */
    private static final int LOOKS_PER_DAMAGE_MAX = 3;

    private static MeshLab start(String kind) {
        MeshLab lab = MeshLab.builder()
                .pod("client", "one")
                .pod("server", "two")
                .legacyPod("guest", "two")
                .withoutAgents()
                .start();
        for (String node : MeshLab.NODES) {
            if (kind.equals("legacy")) {
                // What makes an agent use it.
                lab.net()
                        .exec(lab.ns(node), "iptables-legacy", "-A", "FORWARD", "-j", "ACCEPT")
                        .expectOk();
            }
            lab.startAgent(node);
        }
        MeshLab.NODES.forEach(lab::awaitServing);
        lab.agent("two").allowTrouble("redirect rules of pod demo/server were damaged");
        for (String node : MeshLab.NODES) {
            assertTrue(
                    lab.agent(node).log().stream()
                            .anyMatch(line -> line.toString().contains("redirect rules are written by")
                                    && line.toString().contains("iptables-" + kind)),
                    () -> lab.agent(node).toString());
        }
        return lab;
    }

    private static void sh(MeshLab lab, String command) {
        lab.net().exec(lab.ns("server"), "sh", "-c", command).expectOk();
    }

    private static String everythingOf(MeshLab lab, String kind) {
        Netns pod = lab.ns("server");
        StringBuilder all = new StringBuilder();
        for (String program : List.of("iptables-", "ip6tables-")) {
            // By table: one that the agent used is listed from then on, also when it is empty.
            Map<String, StringBuilder> tables = new TreeMap<>();
            StringBuilder table = new StringBuilder();
            for (String line : lab.net()
                    .exec(pod, program + kind + "-save")
                    .expectOk()
                    .out()
                    .split("\n", -1)) {
                if (line.startsWith("*")) {
                    table = tables.computeIfAbsent(line, _ -> new StringBuilder());
                } else if (line.startsWith("-A") || line.startsWith(":ISTIO")) {
                    table.append(line.replaceAll("\\[\\d+:\\d+]", "")).append('\n');
                }
            }
            tables.forEach((name, rules) -> all.append(rules.isEmpty() ? "" : name + "\n" + rules));
        }
        for (String family : List.of("-4", "-6")) {
            all.append(lab.net().exec(pod, "ip", family, "rule").expectOk().out());
            all.append(lab.net()
                    .exec(pod, "ip", family, "route", "show", "table", "100")
                    .out());
        }
        return all.toString();
    }

    private static double looks(MeshLab lab) {
        return lab.agent("two").metrics().sum(LOOKS, "reason", "change");
    }

    private static double damages(MeshLab lab) {
        return lab.agent("two").metrics().sum(DAMAGED);
    }

    private static void expectTunnelled(MeshLab lab, String from, String to) {
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns(to), PORT, "echo")) {
            Observation since = lab.observe();
            NetProbe.connect(lab.net(), lab.ns(from), lab.ns(to).ipv4(), PORT, "both:1000", "fin", "eof")
                    .expectOk();
            since.expectFlows(lab.ns(from).node().orElseThrow(), Flow.mutual("source", from, to, 1, 1000, 1000));
            since.expectFlows(lab.ns(to).node().orElseThrow(), Flow.mutual("destination", from, to, 1, 1000, 1000));
            serving.stop().expectOk();
        }
    }

    /** A command that does damage, and one that clears away what else it leaves behind, if anything. */
    private record Damage(String command, String clearing) {
        Damage(String command) {
            this(command, "");
        }
    }

    private static List<Damage> damagesBy(String iptables) {
        return List.of(
                new Damage(iptables + " -t nat -F"),
                new Damage(iptables + " -t nat -D ISTIO_OUTPUT 2"),
                new Damage(iptables + " -t nat -R ISTIO_PRERT 1 -p tcp -j RETURN"),
                new Damage(iptables + " -t mangle -D PREROUTING -j ISTIO_PRERT"),
                new Damage("printf '*nat\\n-F\\n-X\\nCOMMIT\\n*mangle\\n-F\\n-X\\nCOMMIT\\n' | " + iptables
                        + "-restore --noflush"),
                new Damage(
                        iptables + " -t nat -E ISTIO_OUTPUT OTHER",
                        iptables + " -t nat -D OUTPUT -j OTHER && " + iptables + " -t nat -F OTHER && " + iptables
                                + " -t nat -X OTHER"));
    }

    private static List<Damage> damagesOfRoutes(String family) {
        return List.of(
                new Damage("ip " + family + " rule del priority 32764"),
                new Damage("ip " + family + " route flush table 100"));
    }

    /** Prints what the agents said if the test fails. */
    private static void in(MeshLab made, Consumer<MeshLab> test) {
        try (MeshLab lab = made) {
            try {
                test.accept(lab);
            } catch (RuntimeException | Error e) {
                lab.printLogs();
                throw e;
            }
        }
    }

    private static void expectRepaired(MeshLab lab, String kind, String whole, Damage damage) {
        double damages = damages(lab);
        sh(lab, damage.command());
        Deadline deadline = Deadline.after(REPAIRED_WITHIN);
        Eventually.holds(damage + " is found", REPAIRED_WITHIN, () -> damages(lab) > damages);
        if (!damage.clearing().isEmpty()) {
            sh(lab, damage.clearing());
        }
        Eventually.passes(
                "the rules are back after " + damage,
                REPAIRED_WITHIN,
                () -> assertEquals(whole, everythingOf(lab, kind)));
        assertFalse(deadline.passed(), damage::toString);
        expectTunnelled(lab, "client", "server");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void rulesAndRoutesComeBack_andNothingElseHappens(String kind) {
        in(start(kind), lab -> {
            String whole = everythingOf(lab, kind);
            double damages = damages(lab);
            double looks = looks(lab);
            List<Damage> all = new ArrayList<>();
            all.addAll(damagesBy("iptables-" + kind));
            all.addAll(damagesBy("ip6tables-" + kind));
            all.addAll(damagesOfRoutes("-4"));
            all.addAll(damagesOfRoutes("-6"));
            all.forEach(damage -> expectRepaired(lab, kind, whole, damage));
            assertEquals(damages + all.size(), damages(lab), "each is told once");
            Eventually.holds("the last is confirmed", SOON, () -> isCalm(lab));
            double seen = looks(lab);
            assertTrue(seen - looks >= all.size());
            assertTrue(
                    seen - looks <= LOOKS_PER_DAMAGE_MAX * all.size(),
                    () -> (seen - looks) + " looks after " + all.size() + " damages");
            sh(lab, "iptables-" + kind + " -t filter -A INPUT -j ACCEPT; ip route add blackhole 198.51.100.0/24");
            Eventually.staysSo(
                    "neither its own writing nor what others do besides is looked at", CALM, () -> looks(lab) == seen);
            lab.expectNoTrouble();
        });
    }

    private static boolean isCalm(MeshLab lab) {
        double before = looks(lab);
        Eventually.staysSo("looks", CALM, () -> looks(lab) == before);
        return true;
    }

    @Test
    void rulesThatSomebodyKeepsTakingAway_areWrittenNowAndThen() {
        in(start("nft"), lab -> {
            String whole = everythingOf(lab, "nft");
            double looks = looks(lab);
            double damages = damages(lab);
            long from = System.nanoTime();
            try (LabProcess enemy = lab.net()
                    .spawn(
                            lab.ns("server"),
                            "sh",
                            "-c",
                            "while :; do iptables-nft -t nat -F ISTIO_OUTPUT; sleep 0.1; done")) {
                Eventually.holds("it is written", Duration.ofSeconds(15), () -> damages(lab) >= damages + 4);
                enemy.stop();
            }
            double seconds = (System.nanoTime() - from) / 1e9;
            assertTrue(looks(lab) - looks <= seconds / 2 + 2, () -> looks(lab) + " looks in " + seconds + " s");
            Eventually.passes(
                    "the rules are back", REPAIRED_WITHIN, () -> assertEquals(whole, everythingOf(lab, "nft")));
            lab.expectNoTrouble();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void aPodThatGoes_leavesNoDescriptorBehind(String kind) {
        in(start(kind), lab -> {
            MeshYaml without = lab.mesh();
            // Once, for what stays open from then on.
            lab.apply(without.pod(lab.ns("guest")));
            lab.apply(without);
            lab.agent("two").noteIdle();
            FdCensus before = FdCensus.of(lab.agent("two").pid());
            lab.apply(without.pod(lab.ns("guest")));
            Eventually.holds(
                    "it is served",
                    SOON,
                    () -> FdCensus.of(lab.agent("two").pid()).count("socket") > before.count("socket"));
            assertNotEquals(Map.of(), FdCensus.of(lab.agent("two").pid()).since(before));
            lab.apply(without);
            lab.agent("two").awaitIdle();
            lab.expectNoTrouble();
        });
    }
}
