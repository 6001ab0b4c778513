/**
 * What the mesh knows of its workloads and services, as immutable records.
 *
 * <p>Must not know where the records come from (xDS, a file) nor how they are indexed. Start at {@link
 * io.culvert.protocol.workload.Workload}.
 */
@NullMarked
package io.culvert.protocol.workload;

import org.jspecify.annotations.NullMarked;
