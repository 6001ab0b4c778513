package io.culvert.cni.redirect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.cni.redirect.RedirectSpec.Marks;
import io.culvert.cni.redirect.RedirectSpec.Options;
import io.culvert.cni.redirect.RedirectSpec.Ports;
import io.culvert.testkit.Golden;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RedirectRulesTest {
    private static final RedirectSpec STANDARD = RedirectSpec.standard();

    private static String everything(RedirectSpec spec) {
        return spec.families().stream()
                .map(family -> everything(new RedirectRules(spec, family)))
                .collect(Collectors.joining("\n"));
    }

    private static String everything(RedirectRules rules) {
        String ip = rules.ipOperations().stream()
                .map(op -> String.join(" ", op.add()) + "\n")
                .collect(Collectors.joining());
        return "# " + rules.family() + "\n" + ip + rules.restoreText();
    }

    @Test
    void leavesTcpAlone_whereDnsIsAllThatIsServed() {
        RedirectSpec spec = RedirectSpec.standard().with(RedirectSpec.Options.DNS_ALONE);
        String text = new RedirectRules(spec, Family.V4).restoreText();
        List<String> redirects =
                text.lines().filter(line -> line.contains("REDIRECT")).toList();
        assertEquals(2, redirects.size(), text);
        for (String redirect : redirects) {
            assertTrue(redirect.contains("--dport 53 ") && redirect.endsWith("--to-ports 15053"), redirect);
        }
        assertFalse(text.contains("*mangle"), text);
        assertFalse(new RedirectRules(spec, Family.V4).needsRoute());
        assertThrows(IllegalArgumentException.class, () -> new RedirectSpec.Options(false, false, false, List.of()));
    }

    @Test
    void standardPod() {
        Golden.assertMatches("standard.txt", everything(STANDARD));
    }

    @Test
    void podWithDnsCapture() {
        Golden.assertMatches("dns.txt", everything(STANDARD.with(Options.STANDARD.withDns(true))));
    }

    @Test
    void podInIngressMode() {
        Golden.assertMatches("ingress-mode.txt", everything(STANDARD.with(Options.STANDARD.withBypassInbound(true))));
    }

    @Test
    void podWithVirtualInterfaces() {
        Golden.assertMatches(
                "virtual-interfaces.txt",
                everything(STANDARD.with(Options.STANDARD.withVirtualInterfaces(List.of("tap0", "vm-1.x")))));
    }

    @Test
    void podWithoutIpv6() {
        Golden.assertMatches("without-ipv6.txt", everything(STANDARD.withoutIpv6()));
    }

    @Test
    void refusesWhatCannotBeARule() {
        assertThrows(IllegalArgumentException.class, () -> new Ports(15001, 15006, 15008, 0));
        assertThrows(IllegalArgumentException.class, () -> new Ports(70000, 15006, 15008, 15053));
        assertThrows(IllegalArgumentException.class, () -> new Marks(0x111, 0x111, 0xfff));
        assertThrows(IllegalArgumentException.class, () -> new Marks(0x1539, 0x111, 0xfff));
        assertThrows(IllegalArgumentException.class, () -> new Marks(0x539, 0, 0xfff));
        for (String name : List.of("", "-i", "tap0\n-A OUTPUT -j DROP", "a b", "a-name-of-sixteen", "tap+")) {
            assertThrows(
                    IllegalArgumentException.class, () -> Options.STANDARD.withVirtualInterfaces(List.of(name)), name);
        }
        List<String> many =
                java.util.stream.IntStream.range(0, 33).mapToObj(i -> "tap" + i).toList();
        assertThrows(IllegalArgumentException.class, () -> Options.STANDARD.withVirtualInterfaces(many));
    }

    @Test
    void rulesInOtherWordsAreTheSame() {
        String dropped =
                "! -d 127.0.0.1/32 -p tcp -m tcp ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006";
        assertTrue(SavedRules.same(
                dropped,
                "-p tcp ! -d 127.0.0.1 ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006"));
        assertTrue(SavedRules.same(
                "-j CONNMARK --restore-mark", "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff"));
        assertTrue(SavedRules.same("-s fd16::1/128 -j ACCEPT", "-s fd16::1 -j ACCEPT"));
        for (String other : List.of(
                dropped.replace("! -d", "-d"),
                dropped.replace("! --dport", "--dport"),
                dropped.replace("! --mark", "--mark"),
                dropped.replace("15006", "15001"),
                dropped.replace("/32", "/8"),
                dropped.replace("-p tcp", "-p udp"),
                dropped.replace(" -m mark ! --mark 0x539/0xfff", ""))) {
            assertFalse(SavedRules.same(dropped, other), other);
        }
    }

    private static RedirectDiff diff(String saved) {
        return new RedirectDiff(new RedirectRules(STANDARD, Family.V4), SavedRules.parse(saved));
    }

    private static String right() {
        return new RedirectRules(STANDARD, Family.V4).restoreText();
    }

    @Test
    void findsNoDifference_whenForeignRulesStandBeside() {
        String saved = right().replace(
                        "*nat\n",
                        "*nat\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n-A KUBE-SERVICES -j RETURN\n");
        assertEquals(List.of(), diff(saved).differences());
        assertTrue(diff(saved).found().hasResidue());
    }

    @Test
    void findsEveryLineThatIsMissing() {
        for (String line : right().lines().filter(l -> l.startsWith("-A")).toList()) {
            assertFalse(diff(right().replace(line + "\n", "")).differences().isEmpty(), line);
        }
    }

    @Test
    void findsRulesInTheWrongOrder_doubledRules_andStrangers() {
        String probe = "-A ISTIO_OUTPUT -d 169.254.7.127/32 -p tcp -j ACCEPT\n";
        String mark = "-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT\n";
        assertEquals(
                2,
                diff(right().replace(probe + mark, mark + probe)).differences().size());
        assertEquals(
                1,
                diff(right() + "*nat\n-A OUTPUT -j ISTIO_OUTPUT\n")
                        .differences()
                        .size());
        assertEquals(
                1, diff(right() + "*raw\n:ISTIO_OLD - [0:0]\n").differences().size());
        assertEquals(
                List.of("nat: POSTROUTING has other jumps than one into our chain: [-s 10.0.0.0/8 -g ISTIO_OUTPUT]"),
                diff(right() + "*nat\n-A POSTROUTING -s 10.0.0.0/8 -g ISTIO_OUTPUT\n")
                        .differences());
    }

    @Test
    void repairReplacesEachTableInOneTransaction_betweenGuardrails() {
        String saved = right().replace("-A OUTPUT -j ISTIO_OUTPUT\n", "")
                + "*raw\n:ISTIO_OLD - [0:0]\n-A OUTPUT -p udp -j ISTIO_OLD\n";
        Golden.assertMatches("repair.txt", diff(saved).repairText());
    }

    @Test
    void repairAfterACrashBetweenTheGuardrails_takesThemAllAway() {
        String saved = right()
                + "*filter\n:ISTIO_GUARD - [0:0]\n-A INPUT -j ISTIO_GUARD\n-A INPUT -j ISTIO_GUARD\n-A ISTIO_GUARD -p tcp -j DROP\n";
        Golden.assertMatches("repair-after-crash.txt", diff(saved).repairText());
    }

    @Test
    void removalTakesEveryChainOfOursAndEveryJumpToOne_andNothingElse() {
        String foreign = "*filter\n:KUBE - [0:0]\n-A INPUT -j KUBE\n";
        assertEquals("", RedirectDiff.removalText(SavedRules.parse(foreign)));
        Golden.assertMatches("removal.txt", RedirectDiff.removalText(SavedRules.parse(right() + foreign)));
    }
}
