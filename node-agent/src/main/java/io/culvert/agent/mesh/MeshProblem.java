package io.culvert.agent.mesh;

/**
 * Something in the mesh's records that could not be honoured.
 *
 * @param kind what is wrong
 * @param subject the workload, service or policy it is wrong with
 * @param sentence what it means, for the operator
 */
public record MeshProblem(Kind kind, String subject, String sentence) {
    /** What is wrong. */
    public enum Kind {
        /** A workload's namespace and service account make no SPIFFE id. */
        WORKLOAD_IDENTITY,
        /** A further identity of a service is no SPIFFE id. */
        SERVICE_IDENTITY,
        /** A workload is selected by a policy that nobody sent. */
        UNKNOWN_POLICY,
        /** A resource could not be taken; what was known under its name stays in force. */
        REJECTED_RESOURCE,
        /** A part of a resource was left out, or replaced by something at least as strict. */
        ALTERED_RESOURCE,
        /** There are more problems than are kept. */
        TOO_MANY
    }
}
