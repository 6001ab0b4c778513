package io.culvert.cni.redirect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The redirect rules of one spec and family: pure, text only.
 *
 * <p>How a packet goes: what the application sends is turned to the outbound port (nat OUTPUT), what comes in as plaintext to the
 * inbound port (nat PREROUTING), HBONE to its own listener by itself. The agent's sockets carry the packet mark and are left alone.
 * Towards the application the agent binds the client's own address, so the application's reply would leave the pod: the first
 * mangle rule tags that connection, the second gives the tag to the reply, and a policy route brings it back to the agent.
 *
 * <p>Source: the chain names, their order and the numbers are those that Istio's ambient mode writes, so that either agent
 * recognises and replaces the other's.
 */
public record RedirectRules(RedirectSpec spec, Family family) {
    static final String CHAIN_PREFIX = "ISTIO_";
    static final String PREROUTING_CHAIN = "ISTIO_PRERT";
    static final String OUTPUT_CHAIN = "ISTIO_OUTPUT";
    static final int ROUTE_TABLE = 100;
    private static final int RULE_PRIORITY = 32764;
    private static final int DNS_CONNTRACK_ZONE = 1;

    /** One table's part: the chains of ours in it with their rules, in order. */
    record Table(String name, Map<String, List<String>> chains) {
        /** The jump that leads from a built-in chain into each of ours. */
        static String baseOf(String chain) {
            return chain.equals(PREROUTING_CHAIN) ? "PREROUTING" : "OUTPUT";
        }
    }

    /** What ip(8) shall do, as arguments, and how to see in its list that it is done. */
    public record IpOperation(List<String> add, List<String> delete, List<String> list, List<String> shownBy) {}

    /** The tables that hold a rule of ours, in the order in which they are written; none of a family that is not captured. */
    List<Table> tables() {
        List<Table> tables = new ArrayList<>();
        if (!isCaptured()) {
            return tables;
        }
        if (spec.options().tcp()) {
            tables.add(table("mangle", manglePrerouting(), mangleOutput()));
        }
        tables.add(table("nat", natPrerouting(), natOutput()));
        if (spec.options().dns()) {
            tables.add(table("raw", rawPrerouting(), rawOutput()));
        }
        return tables;
    }

    private boolean isCaptured() {
        return spec.families().contains(family);
    }

    private static Table table(String name, List<String> prerouting, List<String> output) {
        Map<String, List<String>> chains = new LinkedHashMap<>();
        chains.put(PREROUTING_CHAIN, prerouting);
        chains.put(OUTPUT_CHAIN, output);
        return new Table(name, chains);
    }

    private List<String> manglePrerouting() {
        return List.of("-m mark --mark " + spec.marks().packetMatch() + " -j CONNMARK --set-xmark "
                + spec.marks().connectionMatch());
    }

    private List<String> mangleOutput() {
        return List.of("-m connmark --mark " + spec.marks().connectionMatch()
                + " -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff");
    }

    private List<String> natPrerouting() {
        List<String> rules = new ArrayList<>();
        if (!spec.options().tcp()) {
            return rules;
        }
        for (String name : spec.options().virtualInterfaces()) {
            rules.add("-i " + name + " -p tcp -j REDIRECT --to-ports "
                    + spec.ports().outbound());
            rules.add("-i " + name + " -p tcp -j RETURN");
        }
        if (!spec.options().bypassInbound()) {
            rules.add("-s " + spec.probes().prefix(family) + " -p tcp -j ACCEPT");
            rules.add(notLoopback() + " -p tcp -m tcp ! --dport " + spec.ports().hbone() + notOurs()
                    + " -j REDIRECT --to-ports " + spec.ports().inboundPlaintext());
        }
        return rules;
    }

    private List<String> natOutput() {
        List<String> rules = new ArrayList<>();
        if (spec.options().tcp()) {
            rules.add("-d " + spec.probes().prefix(family) + " -p tcp -j ACCEPT");
        }
        if (spec.options().dns()) {
            String toProxy =
                    notOurs() + " -j REDIRECT --to-ports " + spec.ports().dns();
            rules.add("! -o lo -p udp -m udp --dport 53" + toProxy);
            rules.add(notLoopback() + " -p tcp -m tcp --dport 53" + toProxy);
        }
        if (spec.options().tcp()) {
            rules.add("-p tcp -m mark --mark " + spec.marks().connectionMatch() + " -j ACCEPT");
            rules.add(notLoopback() + " -o lo -j ACCEPT");
            rules.add(notLoopback() + " -p tcp" + notOurs() + " -j REDIRECT --to-ports "
                    + spec.ports().outbound());
        }
        return rules;
    }

    private List<String> rawPrerouting() {
        return List.of("-p udp -m udp --sport 53" + notOurs() + " -j CT --zone " + DNS_CONNTRACK_ZONE);
    }

    private List<String> rawOutput() {
        return List.of("-p udp -m udp --dport 53 -m mark --mark " + spec.marks().packetMatch() + " -j CT --zone "
                + DNS_CONNTRACK_ZONE);
    }

    private String notLoopback() {
        return "! -d " + family.loopback();
    }

    private String notOurs() {
        return " -m mark ! --mark " + spec.marks().packetMatch();
    }

    /** The input of iptables-restore --noflush for a namespace that has no rule of ours. */
    public String restoreText() {
        StringBuilder out = new StringBuilder();
        for (Table table : tables()) {
            out.append('*').append(table.name()).append('\n');
            table.chains().keySet().forEach(chain -> out.append(declaration(chain)));
            table.chains().keySet().forEach(chain -> out.append(jump(chain)));
            appendRules(table, out);
            out.append("COMMIT\n");
        }
        return out.toString();
    }

    /** Makes a chain, or empties it: within --noflush a chain that is declared loses its rules in the same transaction. */
    static String declaration(String chain) {
        return ":" + chain + " - [0:0]\n";
    }

    static String jump(String chain) {
        return "-A " + Table.baseOf(chain) + " -j " + chain + "\n";
    }

    static void appendRules(Table table, StringBuilder out) {
        table.chains()
                .forEach((chain, rules) -> rules.forEach(rule ->
                        out.append("-A ").append(chain).append(' ').append(rule).append('\n')));
    }

    /** Whether replies have to be brought to the agent: only those of applications that it connects to. */
    boolean needsRoute() {
        return isCaptured() && spec.options().tcp();
    }

    /** The policy route that brings the application's replies to the agent, route first: a rule without it would lose packets. */
    public List<IpOperation> ipOperations() {
        List<String> route = List.of("local", family.everything(), "dev", "lo", "table", Integer.toString(ROUTE_TABLE));
        List<String> rule = List.of(
                "fwmark",
                spec.marks().connectionMatch(),
                "lookup",
                Integer.toString(ROUTE_TABLE),
                "priority",
                Integer.toString(RULE_PRIORITY));
        return List.of(
                new IpOperation(
                        ip("route replace", route),
                        ip("route del", route),
                        ip("route show", List.of("table", Integer.toString(ROUTE_TABLE), "type", "local")),
                        List.of("default dev lo")),
                new IpOperation(
                        ip("rule add", rule),
                        ip("rule del", rule),
                        ip("rule list", List.of()),
                        List.of(
                                RULE_PRIORITY + ":",
                                "from all fwmark " + spec.marks().connectionMatch() + " lookup " + ROUTE_TABLE)));
    }

    private List<String> ip(String verb, List<String> arguments) {
        // -N keeps a name for the table in the machine's files from hiding its number.
        return Stream.of(Stream.of("ip", "-N", family.ipFlag()), Stream.of(verb.split(" ")), arguments.stream())
                .flatMap(part -> part)
                .toList();
    }
}
