package io.culvert.agent.telemetry;

import io.culvert.protocol.hbone.Baggage;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection, as metrics tell it; empty texts are unknown.
 *
 * @param workload name of what owns the workload
 * @param canonicalService canonical service
 * @param canonicalRevision canonical revision, also the {@code version} label
 * @param namespace namespace
 * @param principal SPIFFE URI
 * @param app the {@code app} label
 * @param cluster cluster
 * @param region region
 * @param zone zone
 * @param known whether the mesh knows the workload
 */
public record PeerLabels(
        String workload,
        String canonicalService,
        String canonicalRevision,
        String namespace,
        String principal,
        String app,
        String cluster,
        String region,
        String zone,
        boolean known) {
    public static final PeerLabels UNKNOWN = new PeerLabels("", "", "", "", "", "", "", "", "", false);

    /** Of what the mesh knows, if anything, and of the identity that was proven or is expected, if any. */
    public static PeerLabels of(@Nullable Workload workload, @Nullable SpiffeId principal) {
        String uri = principal == null ? "" : principal.uri();
        if (workload == null) {
            return uri.isEmpty() ? UNKNOWN : new PeerLabels("", "", "", "", uri, "", "", "", "", false);
        }
        return new PeerLabels(
                workload.workloadName(),
                workload.canonicalName(),
                workload.canonicalRevision(),
                workload.namespace(),
                uri,
                workload.canonicalName(),
                workload.clusterId(),
                workload.locality().region(),
                workload.locality().zone(),
                true);
    }

    /** Of what a peer says of itself, where the mesh does not know it. */
    public static PeerLabels of(Baggage baggage, @Nullable SpiffeId principal) {
        return new PeerLabels(
                baggage.workload(),
                baggage.service(),
                baggage.version(),
                baggage.namespace(),
                principal == null ? "" : principal.uri(),
                baggage.workload(),
                baggage.cluster(),
                baggage.region(),
                baggage.zone(),
                !baggage.equals(Baggage.EMPTY));
    }
}
