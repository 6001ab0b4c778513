package io.culvert.agent.admin;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The mesh file.
 *
 * @param path where it is
 * @param version what tells the one in force from others
 * @param lastError why the newest one was refused, as {@code file:line: reason}; null when it is in force
 */
public record MeshFileView(
        Path path, String version, @Nullable String lastError) {}
