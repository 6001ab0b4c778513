/**
 * The mesh as a control plane tells of it: one stream, whose resources become snapshots.
 *
 * <p>Must not know who reads the snapshots. Start at {@link io.culvert.agent.xds.XdsClient}.
 */
@NullMarked
package io.culvert.agent.xds;

import org.jspecify.annotations.NullMarked;
