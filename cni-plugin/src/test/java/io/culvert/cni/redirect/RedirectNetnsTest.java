package io.culvert.cni.redirect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.cni.redirect.Iptables.Choice;
import io.culvert.cni.redirect.RedirectException.Code;
import io.culvert.cni.redirect.RedirectOutcome.Change;
import io.culvert.cni.redirect.RedirectSpec.Options;
import io.culvert.shim.PodNetns;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules in real namespaces, with both back ends. */
class RedirectNetnsTest {
    private static final RedirectSpec SPEC = RedirectSpec.standard();
    private static final RedirectSpec WITH_DNS = SPEC.with(Options.STANDARD.withDns(true));
    private static final List<String> SAVES =
            List.of("iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save");

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    private Path locks;

    private final NetnsLab lab = NetnsLab.builder()
            .node("node")
            .pod("pod", "node")
            .pod("peer", "node")
            .outside("far")
            .build();
    private final Netns pod = lab.ns("pod");

    @AfterEach
    void close() {
        lab.close();
    }

    private RedirectApplier applier(Choice choice) throws RedirectException {
        return new RedirectApplier(Iptables.detect(choice), locks);
    }

    private RedirectApplier applier() throws RedirectException {
        return applier(Choice.NFT);
    }

    /** Everything of netfilter and policy routing that has an effect. */
    private String state(Netns ns) {
        StringBuilder out = new StringBuilder();
        for (String save : SAVES) {
            out.append(save).append('\n');
            lab.exec(ns, save)
                    .expectOk()
                    .out()
                    .lines()
                    .filter(line -> line.startsWith("-A") || line.matches(":\\S+ - .*"))
                    .forEach(line -> out.append(line).append('\n'));
        }
        for (String family : List.of("-4", "-6")) {
            out.append(lab.exec(ns, "ip", family, "rule").expectOk().out());
            out.append(lab.exec(ns, "ip", family, "route", "show", "table", "all")
                    .expectOk()
                    .out());
        }
        return out.toString();
    }

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"NFT", "LEGACY"})
    void tcpIsLetGo_onceDnsIsAllThatIsServed_andTakenAgain(Choice choice) throws RedirectException {
        RedirectSpec dnsAlone = SPEC.with(Options.DNS_ALONE);
        RedirectApplier applier = applier(choice);
        String before = state(pod);
        assertEquals(Change.APPLIED, applier.apply(pod.path(), dnsAlone).change());
        assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), dnsAlone));
        String alone = state(pod);
        assertEquals(Change.REPAIRED, applier.apply(pod.path(), WITH_DNS).change());
        assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), dnsAlone));
        assertEquals(Change.REPAIRED, applier.apply(pod.path(), dnsAlone).change());
        assertEquals(alone, state(pod));
        try (LabProcess server = NetProbe.serve(lab, lab.ns("peer"), 7000, "echo")) {
            NetProbe.connect(lab, pod, lab.ns("peer").ipv4(), 7000, "both:1000", "fin", "eof")
                    .expectOk();
            server.stop();
        }
        applier.remove(pod.path(), dnsAlone);
        assertEquals(before, state(pod));
    }

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"NFT", "LEGACY"})
    void applyTwiceIsANoOp_andRemoveLeavesTheNamespaceAsItWas(Choice choice) throws RedirectException {
        RedirectApplier applier = applier(choice);
        String before = state(pod);
        assertInstanceOf(RedirectStatus.NotCaptured.class, applier.check(pod.path(), WITH_DNS));

        assertEquals(new RedirectOutcome(Change.APPLIED, List.of(), List.of()), applier.apply(pod.path(), WITH_DNS));
        assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), WITH_DNS));
        String applied = state(pod);
        assertFalse(applied.equals(before));
        assertEquals(Change.UNCHANGED, applier.apply(pod.path(), WITH_DNS).change());
        assertEquals(applied, state(pod));

        applier.remove(pod.path(), WITH_DNS);
        assertEquals(before, state(pod));
        applier.remove(pod.path(), WITH_DNS);
        assertInstanceOf(RedirectStatus.NotCaptured.class, applier.check(pod.path(), WITH_DNS));
    }

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"NFT", "LEGACY"})
    void watchTellsOfWhatIsWritten_andNotOfLooks(Choice choice) throws Exception {
        RedirectApplier applier = applier(choice);
        assertEquals(Change.APPLIED, applier.apply(pod.path(), SPEC).change());
        String iptables = "iptables-" + choice.name().toLowerCase(Locale.ROOT);
        FdCensus before = FdCensus.ofSelf();
        try (PodNetns netns = PodNetns.open(pod.path());
                RedirectWatch watch = applier.watch(netns, SPEC)) {
            assertEquals(choice == Choice.NFT, watch.isTold());
            assertFalse(watch.noticed() || watch.compared());
            assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), SPEC));
            assertEquals(Change.UNCHANGED, applier.apply(pod.path(), SPEC).change());
            assertFalse(watch.compared(), "it was only looked at");
            // To have the route there, it is put there each time.
            boolean _ = watch.noticed();

            lab.exec(pod, iptables, "-t", "nat", "-F", "ISTIO_OUTPUT").expectOk();
            assertEquals(watch.isTold(), watch.noticed());
            assertEquals(!watch.isTold(), watch.compared());
            assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), SPEC));
            assertFalse(watch.noticed() || watch.compared());

            lab.exec(pod, "ip", "rule", "del", "priority", "32764").expectOk();
            assertTrue(watch.noticed());
            assertEquals(Change.REPAIRED, applier.apply(pod.path(), SPEC).change());
            assertTrue(watch.noticed());
            assertEquals(!watch.isTold(), watch.compared());
        }
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
        String tables = lab.exec(pod, "cat", "/proc/self/net/ip_tables_names").out();
        assertFalse(tables.contains("raw"), "no table is made by asking for it: " + tables);
    }

    @Test
    void watchOfANamespaceThatIsClosed_isRefused() throws Exception {
        PodNetns netns = PodNetns.open(pod.path());
        netns.close();
        RedirectException refused =
                assertThrows(RedirectException.class, () -> applier().watch(netns, SPEC));
        assertEquals(Code.NOT_WATCHED, refused.code());
    }

    @Test
    void oneThatWritesAndOneThatRemovesAtTheSameTime_doNotMixTheirRules() throws Exception {
        for (int i = 0; i < 6; i++) {
            RedirectApplier applier = applier();
            boolean removed;
            try (ExecutorService both = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<RedirectOutcome> writing = both.submit(() -> applier().apply(pod.path(), SPEC));
                Future<Boolean> removing = both.submit(() -> {
                    applier().remove(pod.path(), SPEC);
                    return true;
                });
                removed = removing.get();
                assertEquals(List.of(), writing.get().findings());
            }
            assertTrue(removed);
            RedirectStatus status = applier.check(pod.path(), SPEC);
            assertFalse(status instanceof RedirectStatus.Partial, status::toString);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"NFT", "LEGACY"})
    void everyDamageIsSeenAndRepaired_andForeignRulesStay(Choice choice) throws RedirectException {
        RedirectApplier applier = applier(choice);
        String tool = choice == Choice.NFT ? "iptables-nft" : "iptables-legacy";
        lab.exec(pod, tool, "-t", "nat", "-N", "KUBE-X").expectOk();
        lab.exec(
                        pod,
                        tool,
                        "-t",
                        "nat",
                        "-A",
                        "OUTPUT",
                        "-p",
                        "tcp",
                        "-m",
                        "comment",
                        "--comment",
                        "two words",
                        "-j",
                        "KUBE-X")
                .expectOk();
        lab.exec(pod, tool, "-A", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP")
                .expectOk();
        applier.apply(pod.path(), SPEC);
        String right = state(pod);
        assertTrue(right.contains("-A OUTPUT -p tcp -m comment --comment \"two words\" -j KUBE-X"));

        for (String damage : List.of(
                "-t nat -F ISTIO_OUTPUT",
                "-t nat -D PREROUTING -j ISTIO_PRERT",
                "-t nat -D ISTIO_OUTPUT 3",
                "-t nat -I ISTIO_PRERT -p tcp -j ACCEPT",
                "-t mangle -A OUTPUT -j ISTIO_OUTPUT",
                "-t mangle -R ISTIO_PRERT 1 -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x112/0xfff",
                "-t raw -N ISTIO_PRERT",
                "-t filter -N ISTIO_GUARD")) {
            List<String> command = new ArrayList<>(List.of(tool));
            command.addAll(List.of(damage.split(" ")));
            lab.exec(pod, command).expectOk();
            assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), SPEC), damage);
            RedirectOutcome outcome = applier.apply(pod.path(), SPEC);
            assertEquals(Change.REPAIRED, outcome.change(), damage);
            assertFalse(outcome.reasons().isEmpty(), damage);
            assertEquals(sorted(right), sorted(state(pod)), damage);
            assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), SPEC), damage);
        }
        applier.remove(pod.path(), SPEC);
        assertTrue(state(pod).contains("-A OUTPUT -p tcp -m comment --comment \"two words\" -j KUBE-X"));
    }

    /** A jump that had to be made again stands after the foreign rules, so only what is there is compared. */
    private static List<String> sorted(String state) {
        return state.lines().sorted().toList();
    }

    @Test
    void missingRouteOrRuleOfEitherFamilyIsSeenAndPutBack() throws RedirectException {
        RedirectApplier applier = applier();
        applier.apply(pod.path(), SPEC);
        String right = state(pod);
        for (List<String> damage : List.of(
                List.of("ip", "-4", "rule", "del", "priority", "32764"),
                List.of("ip", "-6", "rule", "del", "priority", "32764"),
                List.of("ip", "-4", "route", "flush", "table", "100"),
                List.of("ip", "-6", "route", "flush", "table", "100"))) {
            lab.exec(pod, damage).expectOk();
            RedirectStatus.Partial partial =
                    assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), SPEC));
            assertEquals(1, partial.reasons().size(), partial.toString());
            applier.apply(pod.path(), SPEC);
            assertEquals(right, state(pod));
        }
    }

    @Test
    void changedSpecReplacesTheRules() throws RedirectException {
        RedirectApplier applier = applier();
        applier.apply(pod.path(), WITH_DNS);
        RedirectSpec ingress =
                SPEC.with(Options.STANDARD.withBypassInbound(true).withVirtualInterfaces(List.of("tap0")));
        assertEquals(Change.REPAIRED, applier.apply(pod.path(), ingress).change());
        assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), ingress));
        assertFalse(state(pod).contains("CT --zone"));
    }

    @Test
    void eightPodsAreProgrammedAtOnce() throws Exception {
        List<Netns> pods = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            pods.add(lab.addPod("p" + i, "node"));
        }
        for (Choice choice : List.of(Choice.NFT, Choice.LEGACY)) {
            RedirectApplier applier = applier(choice);
            FdCensus before = FdCensus.ofSelf();
            atOnce(
                    pods,
                    ns -> assertEquals(
                            Change.APPLIED, applier.apply(ns.path(), SPEC).change()));
            atOnce(pods, ns -> assertInstanceOf(RedirectStatus.Captured.class, applier.check(ns.path(), SPEC)));
            atOnce(pods, ns -> applier.remove(ns.path(), SPEC));
            atOnce(pods, ns -> assertInstanceOf(RedirectStatus.NotCaptured.class, applier.check(ns.path(), SPEC)));
            assertEquals(Map.of(), FdCensus.ofSelf().since(before));
        }
    }

    private interface Work {
        void on(Netns ns) throws RedirectException;
    }

    private static void atOnce(List<Netns> pods, Work work) throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> running = new ArrayList<>();
            for (Netns ns : pods) {
                running.add(executor.submit(() -> {
                    work.on(ns);
                    return null;
                }));
            }
            for (Future<Void> one : running) {
                one.get();
            }
        }
    }

    @Test
    void outboundOfThePodReachesTheOutboundPort_andLoopbackOwnAddressAndUdpDoNot() throws RedirectException {
        NetProbe.serve(lab, pod, 15001, "say:captured");
        NetProbe.serve(lab, pod, 8080, "say:own");
        NetProbe.serve(lab, lab.ns("peer"), 8080, "say:peer");
        NetProbe.serveUdp(lab, lab.ns("peer"), 8081);
        applier().apply(pod.path(), SPEC);
        for (InetAddress to : lab.ns("peer").addresses()) {
            NetProbe.connect(lab, pod, to, 8080, "hear:captured").expectOk();
            NetProbe.connect(lab, pod, to, 1, "hear:captured").expectOk();
            NetProbe.udp(lab, pod, to, 8081, 3).expectOk();
        }
        for (InetAddress to : pod.addresses()) {
            NetProbe.connect(lab, pod, to, 8080, "hear:own").expectOk();
        }
        for (String loopback : List.of("127.0.0.1", "127.0.0.2", "::1")) {
            NetProbe.connect(lab, pod, InetAddress.ofLiteral(loopback), 8080, "hear:own")
                    .expectOk();
        }
        NetProbe.ping(lab, pod, lab.ns("peer").ipv4()).expectOk();
        NetProbe.ping(lab, pod, lab.ns("peer").v6()).expectOk();
    }

    @Test
    void inboundOfThePodReachesThePlaintextPort_exceptHboneAndProbes() throws RedirectException {
        NetProbe.serve(lab, pod, 15006, "say:captured");
        NetProbe.serve(lab, pod, 15008, "say:hbone");
        NetProbe.serve(lab, pod, 8080, "say:app");
        RedirectSpec probedByFar = new RedirectSpec(
                SPEC.ports(),
                SPEC.marks(),
                RedirectSpec.Probes.of(
                        lab.ns("far").ipv4().getHostAddress(),
                        lab.ns("far").v6().getHostAddress()),
                Options.STANDARD,
                true);
        RedirectApplier applier = applier();
        applier.apply(pod.path(), probedByFar);
        for (InetAddress to : pod.addresses()) {
            NetProbe.connect(lab, lab.ns("peer"), to, 8080, "hear:captured").expectOk();
            NetProbe.connect(lab, lab.ns("peer"), to, 15008, "hear:hbone").expectOk();
            NetProbe.connect(lab, lab.ns("far"), to, 8080, "hear:app").expectOk();
        }
        applier.apply(pod.path(), SPEC.with(Options.STANDARD.withBypassInbound(true)));
        for (InetAddress to : pod.addresses()) {
            NetProbe.connect(lab, lab.ns("peer"), to, 8080, "hear:app").expectOk();
        }
    }

    @Test
    void dnsReachesTheDnsPort_onlyWhenItIsCaptured() throws RedirectException {
        LabProcess dns = NetProbe.serveUdp(lab, pod, 15053, List.of("--bind", "127.0.0.1"));
        RedirectApplier applier = applier();
        applier.apply(pod.path(), WITH_DNS);
        NetProbe.udp(lab, pod, lab.ns("peer").ipv4(), 53, 2).expectOk();
        Eventually.holds(
                "both datagrams are told of",
                Duration.ofSeconds(10),
                () -> dns.lines().stream()
                                .filter(line -> line.startsWith("datagram"))
                                .count()
                        == 2);
        applier.apply(pod.path(), SPEC);
        NetProbe.udp(lab, pod, lab.ns("peer").ipv4(), 53, 1).expectExit(1);
    }

    @Test
    void namespaceWithIpv6OffOnLoopbackIsCaptured_withOneFinding() throws RedirectException {
        lab.exec(pod, "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1").expectOk();
        RedirectApplier applier = applier();
        RedirectOutcome outcome = applier.apply(pod.path(), SPEC);
        assertEquals(1, outcome.findings().size(), outcome.toString());
        assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), SPEC));
        applier.remove(pod.path(), SPEC);
        assertInstanceOf(RedirectStatus.NotCaptured.class, applier.check(pod.path(), SPEC));
    }

    @Test
    void specWithoutIpv6LeavesIpv6Alone() throws RedirectException {
        applier().apply(pod.path(), SPEC.withoutIpv6());
        assertFalse(lab.exec(pod, "ip6tables-nft-save").expectOk().out().contains("ISTIO"));
        assertFalse(lab.exec(pod, "ip", "-6", "rule").expectOk().out().contains("fwmark"));
        assertInstanceOf(RedirectStatus.Captured.class, applier().check(pod.path(), SPEC.withoutIpv6()));
    }

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"NFT", "LEGACY"})
    void ipv6IsLetGo_onceItIsNotCapturedAnyMore(Choice choice) throws RedirectException {
        RedirectSpec withoutIpv6 = SPEC.withoutIpv6();
        RedirectApplier applier = applier(choice);
        applier.apply(pod.path(), withoutIpv6);
        String alone = state(pod);
        applier.apply(pod.path(), SPEC);
        RedirectStatus.Partial left =
                assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), withoutIpv6));
        assertTrue(left.reasons().stream().allMatch(reason -> reason.startsWith("V6 ")), left::toString);
        assertEquals(Change.REPAIRED, applier.apply(pod.path(), withoutIpv6).change());
        assertInstanceOf(RedirectStatus.Captured.class, applier.check(pod.path(), withoutIpv6));
        assertEquals(alone, state(pod));
        assertEquals(Change.UNCHANGED, applier.apply(pod.path(), withoutIpv6).change());
    }

    @ParameterizedTest
    @ValueSource(strings = {"rule", "route"})
    void routeOfWhatIsNotCapturedAnyMore_isSeenAndTakenOut(String what) throws RedirectException {
        RedirectSpec withoutIpv6 = SPEC.withoutIpv6();
        RedirectApplier applier = applier();
        applier.apply(pod.path(), withoutIpv6);
        String alone = state(pod);
        RedirectRules.IpOperation made = new RedirectRules(SPEC, Family.V6)
                .ipOperations().stream()
                        .filter(operation -> operation.add().contains(what))
                        .findFirst()
                        .orElseThrow();
        lab.exec(pod, made.add()).expectOk();
        RedirectStatus.Partial left =
                assertInstanceOf(RedirectStatus.Partial.class, applier.check(pod.path(), withoutIpv6));
        assertEquals(List.of("V6 should not be there: " + String.join(" ", made.add())), left.reasons());
        applier.apply(pod.path(), withoutIpv6);
        assertEquals(alone, state(pod));
    }

    @Test
    void failedRepairTakesTheGuardrailsAway() throws RedirectException {
        RedirectApplier applier = applier();
        applier.apply(pod.path(), SPEC);
        String right = state(pod);
        SavedRules found =
                SavedRules.parse(lab.exec(pod, "iptables-nft-save").expectOk().out());
        String repair = new RedirectDiff(new RedirectRules(SPEC, Family.V4), found).repairText();
        String broken = repair.replace("*mangle\n", "*mangle\n-A NO_SUCH_CHAIN -j ACCEPT\n");
        assertThrows(RedirectException.class, () -> applier.repair(pod.path(), Family.V4, broken));
        assertEquals(right, state(pod));
    }

    @Test
    void guardrailsHoldWhileTheyAreUp() throws RedirectException {
        NetProbe.serve(lab, pod, 15006, "say:captured");
        applier().apply(pod.path(), SPEC);
        SavedRules found =
                SavedRules.parse(lab.exec(pod, "iptables-nft-save").expectOk().out());
        String repair = new RedirectDiff(new RedirectRules(SPEC, Family.V4), found).repairText();
        Path up = locks.resolve("up.txt");
        write(up, repair.substring(0, repair.indexOf("*mangle")));
        lab.exec(pod, "iptables-nft-restore", "--noflush", up.toString()).expectOk();
        NetProbe.connect(lab, lab.ns("peer"), pod.ipv4(), 8080, List.of("--timeout-ms", "300"), "unconnected")
                .expectOk();
        assertEquals(Change.REPAIRED, applier().apply(pod.path(), SPEC).change());
        NetProbe.connect(lab, lab.ns("peer"), pod.ipv4(), 8080, "hear:captured").expectOk();
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void refusesItsOwnNamespace_andOneThatIsGone() throws RedirectException {
        RedirectApplier applier = applier();
        Path own = Path.of("/proc/self/ns/net");
        assertEquals(
                Code.NETNS_OWN,
                assertThrows(RedirectException.class, () -> applier.apply(own, SPEC))
                        .code());
        assertEquals(
                Code.NETNS_OWN,
                assertThrows(RedirectException.class, () -> applier.remove(own, SPEC))
                        .code());
        Path gone = Path.of("/run/netns/no-such-namespace");
        assertEquals(
                Code.NETNS_GONE,
                assertThrows(RedirectException.class, () -> applier.apply(gone, SPEC))
                        .code());
        applier.remove(gone, SPEC);
        assertFalse(Files.exists(gone));
    }
}
