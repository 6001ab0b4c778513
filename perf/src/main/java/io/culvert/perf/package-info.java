/**
 * JMH benchmarks of the hot pieces: one {@code *Benchmark} class for each piece.
 *
 * <p>Must not know how a result is stored or compared; {@code perf/jmh} and {@code perf/compare} do that. Start at
 * {@link io.culvert.perf.PolicyBenchmark}.
 */
@NullMarked
package io.culvert.perf;

import org.jspecify.annotations.NullMarked;
