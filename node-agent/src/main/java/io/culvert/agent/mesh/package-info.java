/**
 * What this agent knows of the mesh: immutable snapshots, indexed for the data path, and the place where the latest one is
 * published.
 *
 * <p>Must not know where records come from (xDS, a file) nor what is decided from them. Start at {@link
 * io.culvert.agent.mesh.MeshSnapshot}.
 */
@NullMarked
package io.culvert.agent.mesh;

import org.jspecify.annotations.NullMarked;
