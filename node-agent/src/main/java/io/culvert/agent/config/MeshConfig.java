package io.culvert.agent.config;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where the agent learns of the mesh and of identities.
 *
 * @param file the mesh file
 * @param caDirectory the certificate authority's directory
 * @param certificateTtl how long a certificate is asked to be valid
 */
public record MeshConfig(Path file, Path caDirectory, Duration certificateTtl) {}
