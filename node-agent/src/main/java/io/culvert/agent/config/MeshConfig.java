package io.culvert.agent.config;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where the agent learns of the mesh and of identities.
 *
 * @param source who tells of workloads, services and policies
 * @param given what is known from the start beside, null where nothing is
 * @param authority who signs certificates
 * @param token what the agent proves itself with to either
 * @param crl the certificate revocation lists, if there are any
 * @param certificateTtl how long a certificate is asked to be valid
 */
public record MeshConfig(
        Source source,
        @Nullable Given given,
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

    /** Nobody: what is given from the start is all there is. */
    public record Alone() implements Source {}

    /** A part of the mesh that is known from the start, in the form in which dumps show it. */
    public sealed interface Given {}

    /** In a file. */
    public record InFile(Path path) implements Given {}

    /**
     * As a text.
     *
     * @param text YAML or JSON
     * @param origin where the text comes from
     */
    public record Inline(String text, String origin) implements Given {}

    /** Who signs certificates. */
    public sealed interface Authority {}

    /** An authority's directory; the agent signs by itself. */
    public record CaDirectory(Path path) implements Authority {
        /** How long its certificates may be valid: the same as of any authority of ours. */
        public static final Duration TTL_MAX = Duration.ofDays(7);
    }

    /** An authority's server. */
    public record CaServer(ServerConfig server) implements Authority {}
}
