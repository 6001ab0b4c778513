package io.culvert.cni.redirect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What iptables-save printed, by table and chain: pure. Rules are kept as printed and compared by meaning, because the two
 * back ends and their versions print the same rule with other words.
 *
 * <p>Bounds: those of the text, which whoever ran the tool bounded.
 */
record SavedRules(Map<String, Map<String, List<String>>> tables) {
    private static final Pattern SPACE = Pattern.compile(" +");

    /** Reads the text; lines that are neither table, chain nor rule are comments to it. */
    static SavedRules parse(String text) {
        Map<String, Map<String, List<String>>> tables = new LinkedHashMap<>();
        Map<String, List<String>> chains = new LinkedHashMap<>();
        for (String line : text.lines().toList()) {
            if (line.startsWith("*")) {
                chains = tables.computeIfAbsent(line.substring(1), name -> new LinkedHashMap<>());
            } else if (line.startsWith(":")) {
                chains.putIfAbsent(word(line.substring(1)), new ArrayList<>());
            } else if (line.startsWith("-A ")) {
                String rest = line.substring(3);
                String chain = word(rest);
                chains.computeIfAbsent(chain, name -> new ArrayList<>())
                        .add(rest.substring(chain.length()).strip());
            }
        }
        return new SavedRules(tables);
    }

    private static String word(String text) {
        int space = text.indexOf(' ');
        return space < 0 ? text : text.substring(0, space);
    }

    /** The rules of a chain, none if it does not exist. */
    List<String> rules(String table, String chain) {
        return chains(table).getOrDefault(chain, List.of());
    }

    /** The chains of a table. */
    Map<String, List<String>> chains(String table) {
        return tables.getOrDefault(table, Map.of());
    }

    /** The chains of a table that carry our prefix, whoever made them. */
    List<String> ourChains(String table) {
        return chains(table).keySet().stream().filter(SavedRules::isOurs).toList();
    }

    /** The rules of a built-in or foreign chain that lead into a chain with our prefix. */
    List<String> jumpsFrom(String table, String chain) {
        return isOurs(chain)
                ? List.of()
                : rules(table, chain).stream()
                        .filter(rule -> isOurs(target(rule)))
                        .toList();
    }

    /** Whether a chain or jump with our prefix is anywhere. */
    boolean hasResidue() {
        return tables.keySet().stream().anyMatch(this::hasResidue);
    }

    /** Whether a chain or jump with our prefix is in this table. */
    boolean hasResidue(String table) {
        return !ourChains(table).isEmpty()
                || chains(table).keySet().stream()
                        .anyMatch(chain -> !jumpsFrom(table, chain).isEmpty());
    }

    static boolean isOurs(String chain) {
        return chain.startsWith(RedirectRules.CHAIN_PREFIX);
    }

    private static String target(String rule) {
        List<String> words = List.of(SPACE.split(rule));
        for (int i = 0; i + 1 < words.size(); i++) {
            if (words.get(i).equals("-j") || words.get(i).equals("-g")) {
                return words.get(i + 1);
            }
        }
        return "";
    }

    /** Whether two rules say the same, in whatever order their parts stand. */
    static boolean same(String one, String other) {
        return parts(one).equals(parts(other));
    }

    /**
     * The parts of a rule, each an option with its negation and values. Left out is what has no meaning of its own: the names of
     * the modules (each option belongs to one), a full mask, the length of a prefix of one address.
     */
    private static TreeSet<String> parts(String rule) {
        TreeSet<String> parts = new TreeSet<>();
        StringBuilder part = new StringBuilder();
        for (String word : SPACE.split(rule)) {
            boolean negation = word.equals("!");
            if ((negation || word.startsWith("-")) && !part.toString().equals("!")) {
                add(part, parts);
            }
            part.append(part.isEmpty() ? "" : " ").append(word);
        }
        add(part, parts);
        return parts;
    }

    private static void add(StringBuilder part, TreeSet<String> to) {
        String text = part.toString();
        part.setLength(0);
        boolean empty = text.isEmpty()
                || text.startsWith("-m ")
                || text.equals("--nfmask 0xffffffff")
                || text.equals("--ctmask 0xffffffff");
        if (!empty) {
            to.add(text.replaceFirst("(?<=-[sd] \\S{1,60})(/32|/128)$", ""));
        }
    }
}
