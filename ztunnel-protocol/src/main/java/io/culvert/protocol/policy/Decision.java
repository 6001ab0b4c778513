package io.culvert.protocol.policy;

import io.culvert.protocol.workload.NamespacedName;
import org.jspecify.annotations.Nullable;

/** Whether a connection may be opened, and by which policy. */
public sealed interface Decision {
    /**
     * It may.
     *
     * @param policy the ALLOW policy that matched; null where no ALLOW policy applies
     */
    record Allow(@Nullable NamespacedName policy) implements Decision {}

    /**
     * It may not.
     *
     * @param policy the DENY policy that matched; null where no ALLOW policy matched
     * @param reason a sentence for the operator
     */
    record Deny(@Nullable NamespacedName policy, String reason) implements Decision {
        /** The reason, and which policy. */
        public String sentence() {
            return policy == null ? reason : reason + ": " + policy;
        }
    }
}
