/**
 * Rules about the code itself: who may use whom, and what pure code may not touch. It must not know what the code does.
 *
 * <p>Start at {@link io.culvert.systemtests.rules.PackageRulesTest}.
 */
@NullMarked
package io.culvert.systemtests.rules;

import org.jspecify.annotations.NullMarked;
