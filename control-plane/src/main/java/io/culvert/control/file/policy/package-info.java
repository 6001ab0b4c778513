/**
 * The rules of a policy as they are written in a file, turned into clauses and matches.
 *
 * <p>Must not know workloads or selectors. Start at {@link io.culvert.control.file.policy.PolicyRules}.
 */
@NullMarked
package io.culvert.control.file.policy;

import org.jspecify.annotations.NullMarked;
