package io.culvert.agent.config;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where the agent learns of the mesh and of identities.
 *
 * @param source who tells of workloads, services and policies
 * @param authority who signs certificates
 * @param token what the agent proves itself with to either
 * @param crl the certificate revocation lists, if there are any
 * @param certificateTtl how long a certificate is asked to be valid
 */
public record MeshConfig(
        Source source,
        Authority authority,
        Token token,
        @Nullable Path crl,
        Duration certificateTtl) {
    /** Who tells of workloads, services and policies. */
    public sealed interface Source {}

    /** A mesh file. */
    public record MeshFile(Path path) implements Source {}

    /**
     * A control plane.
     *
     * @param server where it is
     * @param onDemand whether workloads and services are asked for one by one
     * @param about what it is told of the agent
     */
    public record ControlPlane(ServerConfig server, boolean onDemand, NodeMetadata about) implements Source {}

    /** Who signs certificates. */
    public sealed interface Authority {}

    /** An authority's directory; the agent signs by itself. */
    public record CaDirectory(Path path) implements Authority {}

    /** An authority's server. */
    public record CaServer(ServerConfig server) implements Authority {}
}
