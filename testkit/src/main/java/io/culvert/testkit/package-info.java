/**
 * Fakes, generators and network labs for tests; knows nothing of Culvert itself, so that every module can use it.
 *
 * <p>Start at {@link io.culvert.testkit.NetnsLab} for tests in a real kernel and at {@link io.culvert.testkit.Gen} for properties.
 */
@NullMarked
package io.culvert.testkit;

import org.jspecify.annotations.NullMarked;
