/**
 * A control plane without other services: the mesh's certificate authority and what is in the mesh, from local files.
 *
 * <p>Must not know the node agent, connections or sockets. Start at {@link io.culvert.control.file.MeshFileSource} and
 * {@link io.culvert.control.ca.Issuer}.
 */
@NullMarked
package io.culvert.control;

import org.jspecify.annotations.NullMarked;
