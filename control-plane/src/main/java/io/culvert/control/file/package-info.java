/**
 * File mode: workloads, services and policies from one {@code mesh.yaml}, reloaded while it is edited.
 *
 * <p>Must not know what the agent does with them. Start at {@link io.culvert.control.file.MeshFileSource}.
 */
@NullMarked
package io.culvert.control.file;

import org.jspecify.annotations.NullMarked;
