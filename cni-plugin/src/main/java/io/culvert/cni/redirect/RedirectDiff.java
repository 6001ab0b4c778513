package io.culvert.cni.redirect;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The difference between the rules wanted and those found, and the text that makes one of the other: pure.
 *
 * <p>A table is replaced in one transaction: there is no instant at which one of our chains is empty. Between the tables the
 * guardrails hold: all TCP and UDP of the pod is dropped, so that nothing leaves uncaptured while only half of the rules are there.
 */
record RedirectDiff(RedirectRules wanted, SavedRules found) {
    static final String GUARD_CHAIN = "ISTIO_GUARD";
    private static final String GUARD_TABLE = "filter";
    private static final List<String> GUARD_BASES = List.of("INPUT", "FORWARD", "OUTPUT");

    /** What is not as it should be, a sentence each; empty if the rules are exactly right, their order included. */
    List<String> differences() {
        List<String> out = new ArrayList<>();
        for (RedirectRules.Table table : wanted.tables()) {
            table.chains().forEach((chain, rules) -> compare(table.name(), chain, rules, out));
        }
        for (String table : found.tables().keySet()) {
            Set<String> strangers = strangers(table);
            strangers.forEach(chain -> out.add(table + ": chain " + chain + " should not exist"));
            found.chains(table).keySet().forEach(base -> compareJumps(table, base, out));
        }
        return out;
    }

    private void compare(String table, String chain, List<String> rules, List<String> out) {
        List<String> have = found.rules(table, chain);
        if (!found.chains(table).containsKey(chain)) {
            out.add(table + ": chain " + chain + " is missing");
        }
        for (int i = 0; i < Math.max(rules.size(), have.size()); i++) {
            String want = i < rules.size() ? rules.get(i) : "(none)";
            String got = i < have.size() ? have.get(i) : "(none)";
            if (!SavedRules.same(want, got)) {
                out.add(table + ": " + chain + " rule " + (i + 1) + " is [" + got + "], wanted [" + want + "]");
            }
        }
        if (jumpsAbsent(table, RedirectRules.Table.baseOf(chain))) {
            out.add(table + ": " + RedirectRules.Table.baseOf(chain) + " does not jump to " + chain);
        }
    }

    private boolean jumpsAbsent(String table, String base) {
        return found.jumpsFrom(table, base).isEmpty();
    }

    private void compareJumps(String table, String base, List<String> out) {
        List<String> jumps = found.jumpsFrom(table, base);
        if (!jumps.isEmpty() && !jumpsRight(table, base)) {
            out.add(table + ": " + base + " has other jumps than one into our chain: " + jumps);
        }
    }

    private boolean jumpsRight(String table, String base) {
        List<String> jumps = found.jumpsFrom(table, base);
        String wantedJump =
                "-j " + (base.equals("PREROUTING") ? RedirectRules.PREROUTING_CHAIN : RedirectRules.OUTPUT_CHAIN);
        boolean wantedHere = wantedChains(table).stream()
                .anyMatch(chain -> RedirectRules.Table.baseOf(chain).equals(base));
        return wantedHere ? jumps.size() == 1 && SavedRules.same(jumps.getFirst(), wantedJump) : jumps.isEmpty();
    }

    private Set<String> wantedChains(String table) {
        return wanted.tables().stream()
                .filter(t -> t.name().equals(table))
                .findFirst()
                .map(t -> t.chains().keySet())
                .orElse(Set.of());
    }

    private Set<String> strangers(String table) {
        Set<String> chains = new LinkedHashSet<>(found.ourChains(table));
        chains.removeAll(wantedChains(table));
        return chains;
    }

    /** The input of iptables-restore --noflush that makes what was found into what is wanted. */
    String repairText() {
        StringBuilder out = new StringBuilder(raiseGuard());
        Set<String> names = new LinkedHashSet<>(found.tables().keySet());
        wanted.tables().forEach(table -> names.add(table.name()));
        names.stream().filter(name -> !name.equals(GUARD_TABLE)).forEach(name -> appendRepair(name, out));
        return out.append(removal(GUARD_TABLE, guardRaised())).toString();
    }

    private void appendRepair(String name, StringBuilder out) {
        Set<String> chains = wantedChains(name);
        if (chains.isEmpty() && !found.hasResidue(name)) {
            return;
        }
        out.append('*').append(name).append('\n');
        chains.forEach(chain -> out.append(RedirectRules.declaration(chain)));
        found.chains(name).keySet().stream()
                .filter(base -> !jumpsRight(name, base))
                .forEach(base -> appendUnjumps(found, name, base, out));
        chains.stream()
                .filter(chain -> !jumpsRight(name, RedirectRules.Table.baseOf(chain)))
                .forEach(chain -> out.append(RedirectRules.jump(chain)));
        wanted.tables().stream().filter(t -> t.name().equals(name)).forEach(t -> RedirectRules.appendRules(t, out));
        appendChainsGone(strangers(name), out);
        out.append("COMMIT\n");
    }

    private static void appendUnjumps(SavedRules found, String table, String base, StringBuilder out) {
        found.jumpsFrom(table, base)
                .forEach(jump ->
                        out.append("-D ").append(base).append(' ').append(jump).append('\n'));
    }

    private static void appendChainsGone(Iterable<String> chains, StringBuilder out) {
        // All are emptied first: a chain that another one still leads to cannot be deleted.
        chains.forEach(chain -> out.append("-F ").append(chain).append('\n'));
        chains.forEach(chain -> out.append("-X ").append(chain).append('\n'));
    }

    private String raiseGuard() {
        StringBuilder out = new StringBuilder("*" + GUARD_TABLE + "\n" + RedirectRules.declaration(GUARD_CHAIN));
        for (String protocol : List.of("tcp", "udp")) {
            out.append("-A " + GUARD_CHAIN + " -p ").append(protocol).append(" -j DROP\n");
        }
        for (String base : GUARD_BASES) {
            if (found.jumpsFrom(GUARD_TABLE, base).isEmpty()) {
                out.append("-I ").append(base).append(" 1 -j " + GUARD_CHAIN + "\n");
            }
        }
        return out.append("COMMIT\n").toString();
    }

    /** What the filter table holds once the guard is up. */
    private SavedRules guardRaised() {
        StringBuilder text = new StringBuilder("*" + GUARD_TABLE + "\n");
        new LinkedHashSet<>(found.ourChains(GUARD_TABLE))
                .forEach(chain -> text.append(RedirectRules.declaration(chain)));
        text.append(RedirectRules.declaration(GUARD_CHAIN));
        Set<String> bases = new LinkedHashSet<>(GUARD_BASES);
        bases.addAll(found.chains(GUARD_TABLE).keySet());
        for (String base : bases) {
            List<String> jumps = found.jumpsFrom(GUARD_TABLE, base);
            boolean raisedHere = jumps.isEmpty() && GUARD_BASES.contains(base);
            (raisedHere ? List.of("-j " + GUARD_CHAIN) : jumps)
                    .forEach(jump -> text.append("-A ")
                            .append(base)
                            .append(' ')
                            .append(jump)
                            .append('\n'));
        }
        return SavedRules.parse(text.toString());
    }

    /** The input of iptables-restore --noflush that removes every chain with our prefix and every jump to one; empty if there is none. */
    static String removalText(SavedRules found) {
        StringBuilder out = new StringBuilder();
        found.tables().keySet().forEach(table -> out.append(removal(table, found)));
        return out.toString();
    }

    private static String removal(String table, SavedRules found) {
        if (!found.hasResidue(table)) {
            return "";
        }
        StringBuilder out = new StringBuilder("*" + table + "\n");
        found.chains(table).keySet().forEach(base -> appendUnjumps(found, table, base, out));
        appendChainsGone(found.ourChains(table), out);
        return out.append("COMMIT\n").toString();
    }
}
