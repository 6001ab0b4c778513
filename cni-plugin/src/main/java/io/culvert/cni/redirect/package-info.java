/**
 * The rules in a pod's network namespace that redirect its TCP to the agent's listeners: what they are, and how they get there,
 * are checked, repaired and removed. It must not know which pods there are, nor anything of Kubernetes.
 *
 * <p>Start at {@link io.culvert.cni.redirect.RedirectRules} for the rules and {@link io.culvert.cni.redirect.RedirectApplier} for
 * the kernel.
 */
@NullMarked
package io.culvert.cni.redirect;

import org.jspecify.annotations.NullMarked;
