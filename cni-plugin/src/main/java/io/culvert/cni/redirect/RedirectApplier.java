package io.culvert.cni.redirect;

import io.culvert.cni.redirect.RedirectException.Code;
import io.culvert.cni.redirect.RedirectOutcome.Change;
import io.culvert.shim.NetnsWatch;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Writes the redirect rules into a pod's network namespace, checks them, and takes them away again.
 *
 * <p>Runs on: control virtual threads; pods may be programmed concurrently, nothing mutable is shared. What changes a namespace holds
 * its {@link #lock} all the while, so that two agents do not mix their rules. Bounds: each tool may take 40 seconds, of which 30 are
 * the wait for the lock of the legacy back end, which is one per namespace; the wait for {@link #lock} 60. Errors:
 * {@link RedirectException}; after a failed {@link #apply} the pod may be captured in part, which {@link #check} tells and the next
 * {@link #apply} repairs. Source: iptables-restore(8), ip-rule(8), ip-route(8).
 */
public final class RedirectApplier {
    private static final Duration TOOL_TIME_MAX = Duration.ofSeconds(40);
    private static final Duration LOCK_TIME_MAX = Duration.ofSeconds(60);
    private static final Path OWN_NETNS = Path.of("/proc/self/ns/net");
    private static final String[] ALREADY_THERE = {"File exists"};
    private static final String[] NOT_THERE = {
        "No such file or directory", "No such process", "FIB table does not exist", "not supported"
    };

    private static final Path LOCKS = Path.of("/run/culvert/locks");

    private final Iptables iptables;
    private final Path lockFolder;
    private final ToolRunner tools = new ToolRunner(TOOL_TIME_MAX);

    /** Whether the namespace has IPv6, and where. */
    private enum Ipv6 {
        PRESENT,
        NOT_ON_LOOPBACK,
        ABSENT
    }

    /** An applier that uses the iptables that fits this machine, and the locks of all agents and commands on it. */
    public static RedirectApplier detect() throws RedirectException {
        return new RedirectApplier(Iptables.detect(Iptables.Choice.DETECT), LOCKS);
    }

    /**
     * An applier that uses these programs.
     *
     * @param lockFolder where lock files are put, ours and those of the legacy back end; made if it does not exist. All programs
     *     that write rules on this machine use the same
     */
    public RedirectApplier(Iptables iptables, Path lockFolder) {
        this.iptables = iptables;
        this.lockFolder = lockFolder;
    }

    /**
     * Keeps everybody else from changing the namespace's rules, for more than one step or for what belongs to a step.
     *
     * <p>Owns: the caller closes it.
     */
    public NamespaceLock lock(Path netns) throws RedirectException {
        return lock(netns, LOCK_TIME_MAX);
    }

    /** As {@link #lock(Path)}, for who cannot wait that long. */
    public NamespaceLock lock(Path netns, Duration atMost) throws RedirectException {
        refuseUnfit(netns);
        return NamespaceLock.take(lockFolder, netns, atMost);
    }

    /** Makes the namespace's rules what the spec says; right rules are left alone. */
    public RedirectOutcome apply(Path netns, RedirectSpec spec) throws RedirectException {
        try (NamespaceLock _ = lock(netns)) {
            return applyLocked(netns, spec);
        }
    }

    private RedirectOutcome applyLocked(Path netns, RedirectSpec spec) throws RedirectException {
        List<String> findings = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        Change change = Change.UNCHANGED;
        for (RedirectRules rules : rules(netns, spec, findings)) {
            if (rules.needsRoute()) {
                addRoute(netns, rules, findings);
            } else {
                // It may be there from when more was captured, as may rules.
                deleteRoute(netns, rules);
            }
            Change one = applyRules(netns, rules, reasons);
            change = one.compareTo(change) > 0 ? one : change;
        }
        return new RedirectOutcome(change, reasons, findings);
    }

    /** For each family that the namespace has, captured or not; that it lacks one that is to be captured is a finding. */
    private List<RedirectRules> rules(Path netns, RedirectSpec spec, List<String> findings) throws RedirectException {
        List<RedirectRules> rules = new ArrayList<>();
        for (Family family : Family.values()) {
            if (has(netns, family)) {
                rules.add(new RedirectRules(spec, family));
            } else if (spec.families().contains(family)) {
                findings.add(lack(netns));
            }
        }
        return rules;
    }

    /** Whether the namespace has the family, and there are programs for its rules. */
    private boolean has(Path netns, Family family) throws RedirectException {
        return family == Family.V4
                || ipv6(netns) != Ipv6.ABSENT && iptables.ipv6Trouble().isEmpty();
    }

    private String lack(Path netns) throws RedirectException {
        if (ipv6(netns) != Ipv6.ABSENT) {
            throw new RedirectException(
                    Code.TOOL_FAILED,
                    "IPv6 is present but its rules cannot be written: "
                            + iptables.ipv6Trouble().orElse(""));
        }
        return "the kernel has no IPv6 here: only IPv4 is captured, and only IPv4 can be used";
    }

    private Ipv6 ipv6(Path netns) throws RedirectException {
        // The file is the namespace's own: what /proc/sys/net shows depends on who looks.
        ToolRunner.Result disabled = run(netns, List.of("cat", "/proc/sys/net/ipv6/conf/lo/disable_ipv6"), "");
        if (!disabled.ok() && disabled.complains("No such file or directory")) {
            return Ipv6.ABSENT;
        }
        return disabled.orFail().out().strip().equals("1") ? Ipv6.NOT_ON_LOOPBACK : Ipv6.PRESENT;
    }

    private void addRoute(Path netns, RedirectRules rules, List<String> findings) throws RedirectException {
        if (rules.family() == Family.V6 && ipv6(netns) == Ipv6.NOT_ON_LOOPBACK) {
            findings.add(
                    "IPv6 is disabled on the namespace's loopback: IPv6 that comes in cannot keep its client's address");
            return;
        }
        for (RedirectRules.IpOperation operation : rules.ipOperations()) {
            ToolRunner.Result done = run(netns, operation.add(), "");
            if (!done.complains(ALREADY_THERE)) {
                done.orFail();
            }
        }
    }

    private Change applyRules(Path netns, RedirectRules rules, List<String> reasons) throws RedirectException {
        RedirectDiff diff = new RedirectDiff(rules, saved(netns, rules.family()));
        List<String> differences = diff.differences();
        if (differences.isEmpty()) {
            return Change.UNCHANGED;
        }
        if (!diff.found().hasResidue()) {
            restore(netns, rules.family(), rules.restoreText());
            return Change.APPLIED;
        }
        differences.forEach(difference -> reasons.add(rules.family() + " " + difference));
        repair(netns, rules.family(), diff.repairText());
        return Change.REPAIRED;
    }

    /** Runs a repair; if it fails between the guardrails they are taken away, for traffic uncaptured is what it was before. */
    void repair(Path netns, Family family, String text) throws RedirectException {
        try {
            restore(netns, family, text);
        } catch (RedirectException e) {
            lowerGuard(netns, family, e);
            throw e;
        }
    }

    private void lowerGuard(Path netns, Family family, RedirectException cause) {
        try {
            SavedRules found = saved(netns, family);
            SavedRules guard = new SavedRules(Map.of("filter", found.chains("filter")));
            restore(netns, family, RedirectDiff.removalText(guard));
        } catch (RedirectException e) {
            cause.addSuppressed(e);
        }
    }

    /** Takes away the rules and the route, of both families, whatever version wrote them; nothing there is no error. */
    public void remove(Path netns, RedirectSpec spec) throws RedirectException {
        if (!Files.exists(netns)) {
            return;
        }
        try (NamespaceLock _ = lock(netns)) {
            removeLocked(netns, spec);
        }
    }

    private void removeLocked(Path netns, RedirectSpec spec) throws RedirectException {
        for (Family family : Family.values()) {
            if (has(netns, family)) {
                String removal = RedirectDiff.removalText(saved(netns, family));
                if (!removal.isEmpty()) {
                    restore(netns, family, removal);
                }
                deleteRoute(netns, new RedirectRules(spec, family));
            }
        }
        forgetLock(netns);
    }

    private void deleteRoute(Path netns, RedirectRules rules) throws RedirectException {
        for (RedirectRules.IpOperation operation : rules.ipOperations().reversed()) {
            ToolRunner.Result done = run(netns, operation.delete(), "");
            if (!done.complains(NOT_THERE)) {
                done.orFail();
            }
        }
    }

    /** Tells, without changing anything, whether the pod is captured as the spec says. */
    public RedirectStatus check(Path netns, RedirectSpec spec) throws RedirectException {
        refuseUnfit(netns);
        List<String> reasons = new ArrayList<>();
        boolean anything = false;
        for (RedirectRules rules : rules(netns, spec, new ArrayList<>())) {
            SavedRules found = saved(netns, rules.family());
            anything |= found.hasResidue();
            new RedirectDiff(rules, found).differences().forEach(reason -> reasons.add(rules.family() + " " + reason));
            anything |= checkRoute(netns, rules, reasons);
        }
        if (reasons.isEmpty()) {
            return new RedirectStatus.Captured();
        }
        return anything ? new RedirectStatus.Partial(reasons) : new RedirectStatus.NotCaptured();
    }

    /** Whether any of the route's parts is there. */
    private boolean checkRoute(Path netns, RedirectRules rules, List<String> reasons) throws RedirectException {
        if (rules.family() == Family.V6 && ipv6(netns) == Ipv6.NOT_ON_LOOPBACK) {
            return false;
        }
        boolean anything = false;
        for (RedirectRules.IpOperation operation : rules.ipOperations()) {
            ToolRunner.Result listed = run(netns, operation.list(), "");
            if (!listed.complains(NOT_THERE)) {
                listed.orFail();
            }
            boolean there = listed.out()
                    .lines()
                    .anyMatch(line -> operation.shownBy().stream().allMatch(flat(line)::contains));
            anything |= there;
            if (there != rules.needsRoute()) {
                reasons.add(rules.family()
                        + (there ? " should not be there: " : " missing: ")
                        + String.join(" ", operation.add()));
            }
        }
        return anything;
    }

    /**
     * Watches from now on what {@link #check} looks at.
     *
     * <p>Owns: the caller closes it.
     */
    public RedirectWatch watch(PodNetns netns, RedirectSpec spec) throws RedirectException {
        try {
            return new RedirectWatch(
                    iptables.nft()
                            ? NetnsWatch.ofNfTables(netns, RedirectRules.ROUTE_TABLE)
                            : NetnsWatch.ofXTables(
                                    netns,
                                    RedirectRules.ROUTE_TABLE,
                                    legacyTables(spec, Family.V4),
                                    legacyTables(spec, Family.V6)));
        } catch (ShimException e) {
            throw RedirectWatch.failure(e);
        }
    }

    /** Those that rules are written to, and no other: asking for a table makes it. */
    private List<String> legacyTables(RedirectSpec spec, Family family) {
        boolean written = family == Family.V4 || iptables.ipv6Trouble().isEmpty();
        return written
                ? new RedirectRules(spec, family)
                        .tables().stream().map(RedirectRules.Table::name).toList()
                : List.of();
    }

    private static String flat(String line) {
        return line.replaceAll("\\s+", " ");
    }

    private SavedRules saved(Path netns, Family family) throws RedirectException {
        return SavedRules.parse(run(netns, iptables.save(family), "").orFail().out());
    }

    private void restore(Path netns, Family family, String text) throws RedirectException {
        run(netns, iptables.restore(family), text).orFail();
    }

    private ToolRunner.Result run(Path netns, List<String> tool, String input) throws RedirectException {
        ToolRunner.Result result =
                tools.inNetns(netns, Map.of("XTABLES_LOCKFILE", lockFile(netns).toString()), tool, input);
        if (!result.ok() && !Files.exists(netns)) {
            throw new RedirectException(Code.NETNS_GONE, netns + " went away: " + result);
        }
        return result;
    }

    private void refuseUnfit(Path netns) throws RedirectException {
        if (inode(netns) == inode(OWN_NETNS)) {
            throw new RedirectException(Code.NETNS_OWN, netns + " is the agent's own namespace, not a pod's");
        }
        try {
            NamespaceLock.makeFolder(lockFolder);
        } catch (IOException e) {
            throw new RedirectException(Code.TOOL_FAILED, "cannot make the folder of lock files: " + e.getMessage());
        }
    }

    private Path lockFile(Path netns) throws RedirectException {
        return lockFolder.resolve("xtables-" + inode(netns) + ".lock");
    }

    private void forgetLock(Path netns) throws RedirectException {
        try {
            Files.deleteIfExists(lockFile(netns));
        } catch (IOException e) {
            throw new RedirectException(Code.TOOL_FAILED, "cannot remove the lock file: " + e.getMessage());
        }
    }

    private static long inode(Path netns) throws RedirectException {
        try {
            return (Long) Files.getAttribute(netns, "unix:ino");
        } catch (IOException e) {
            throw new RedirectException(Code.NETNS_GONE, netns + " does not exist");
        }
    }

    @Override
    public String toString() {
        return Stream.of("RedirectApplier", iptables.toString(), lockFolder.toString())
                .toList()
                .toString();
    }
}
