/**
 * A small mesh of real agent processes in network namespaces, and what a test sees of it: metrics, access log, dumps.
 *
 * <p>Must not know what any one test is about. Start at {@link io.culvert.systemtests.lab.MeshLab}.
 */
@NullMarked
package io.culvert.systemtests.lab;

import org.jspecify.annotations.NullMarked;
