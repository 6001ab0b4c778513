package io.culvert.cni.redirect;

import io.culvert.cni.redirect.RedirectException.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The iptables programs of this machine that match what the node already uses: mixing the two back ends on one machine leaves the
 * order of rules undefined. Chosen once, in the agent's own namespace, and used in every pod.
 *
 * @param suffix {@code -legacy}, {@code -nft}, or nothing for whatever the plain name stands for
 * @param nft whether it speaks to nf_tables, which needs no lock
 * @param version as the program says, {@code 0.0.0} if it does not
 * @param ipv6Trouble why IPv6 rules cannot be written, if so
 */
public record Iptables(String suffix, boolean nft, String version, Optional<String> ipv6Trouble) {
    private static final int LINES_THAT_MEAN_RULES = 3;
    private static final String LOCK_WAIT_SECONDS = "30";
    private static final Pattern VERSION = Pattern.compile("v(\\d+\\.\\d+\\.\\d+)");

    /** Which back end the operator wants. */
    public enum Choice {
        /** The one in which rules exist already, nf_tables if there are none. */
        DETECT,
        /** iptables-legacy, or failure. */
        LEGACY,
        /** iptables-nft, or failure. */
        NFT
    }

    /**
     * Finds the programs and proves, by writing the rules into a namespace that is thrown away, that the kernel has all they need.
     * The machine's own rules are only read.
     *
     * @throws RedirectException if none works; the message says what was tried and what it answered
     */
    public static Iptables detect(Choice choice) throws RedirectException {
        return detect(choice, new ToolRunner(Duration.ofSeconds(30)));
    }

    static Iptables detect(Choice choice, ToolRunner tools) throws RedirectException {
        List<String> candidates = switch (choice) {
            case LEGACY -> List.of("-legacy");
            case NFT -> List.of("-nft");
            case DETECT -> hasLegacyRules(tools) ? List.of("-legacy", "-nft", "") : List.of("-nft", "");
        };
        List<String> troubles = new ArrayList<>();
        for (String suffix : candidates) {
            Optional<String> trouble = trouble(tools, suffix, Family.V4);
            if (trouble.isEmpty()) {
                return describe(tools, suffix);
            }
            troubles.add(trouble.get());
        }
        throw new RedirectException(
                Code.TOOL_FAILED,
                "no iptables works here; install the package iptables and check that the kernel has its nat, "
                        + "mark and connmark modules: " + String.join("; ", troubles));
    }

    private static boolean hasLegacyRules(ToolRunner tools) throws RedirectException {
        return ToolRunner.find("iptables-legacy-save") != null
                && tools.here(List.of("iptables-legacy-save")).out().lines().count() >= LINES_THAT_MEAN_RULES;
    }

    private static Optional<String> trouble(ToolRunner tools, String suffix, Family family) throws RedirectException {
        try {
            String rules = new RedirectRules(RedirectSpec.standard(), family).restoreText();
            ToolRunner.Result tried =
                    tools.inNewNetns(List.of(program(suffix, family) + "-restore", "--noflush"), rules);
            return tried.ok() ? Optional.empty() : Optional.of(tried.toString());
        } catch (RedirectException e) {
            if (e.code() == Code.TOOL_MISSING) {
                return Optional.of(String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    private static Iptables describe(ToolRunner tools, String suffix) throws RedirectException {
        String said =
                tools.here(List.of(program(suffix, Family.V4), "--version")).out();
        Matcher version = VERSION.matcher(said);
        return new Iptables(
                suffix,
                said.contains("nf_tables"),
                version.find() ? version.group(1) : "0.0.0",
                trouble(tools, suffix, Family.V6));
    }

    private static String program(String suffix, Family family) {
        return (family == Family.V4 ? "iptables" : "ip6tables") + suffix;
    }

    List<String> save(Family family) {
        return List.of(program(suffix, family) + "-save");
    }

    List<String> restore(Family family) {
        String program = program(suffix, family) + "-restore";
        return nft ? List.of(program, "--noflush") : List.of(program, "--noflush", "--wait=" + LOCK_WAIT_SECONDS);
    }

    @Override
    public String toString() {
        return "iptables" + suffix + " " + version + (nft ? " (nf_tables)" : " (legacy)");
    }
}
