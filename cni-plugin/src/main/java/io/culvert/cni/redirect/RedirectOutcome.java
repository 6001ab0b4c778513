package io.culvert.cni.redirect;

import java.util.List;

/**
 * What applying the rules came to.
 *
 * @param change what had to be done to the rules
 * @param reasons what was found to differ, if rules had to be repaired
 * @param findings what the operator should know, such as a family that the namespace does not have
 */
public record RedirectOutcome(Change change, List<String> reasons, List<String> findings) {
    /** Copies both lists. */
    public RedirectOutcome {
        reasons = List.copyOf(reasons);
        findings = List.copyOf(findings);
    }

    /** What had to be done, from least to most. */
    public enum Change {
        /** Nothing: all rules were right. */
        UNCHANGED,
        /** The rules were written where there were none. */
        APPLIED,
        /** Rules of ours were found that were not right, and were replaced. */
        REPAIRED
    }
}
