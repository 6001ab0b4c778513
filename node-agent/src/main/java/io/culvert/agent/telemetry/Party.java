package io.culvert.agent.telemetry;

import io.culvert.protocol.hbone.Baggage;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection, as metrics and access log tell it.
 *
 * @param address its socket
 * @param name the pod's name or else its canonical service, empty when unknown
 * @param labels for metrics
 */
public record Party(IpPort address, String name, PeerLabels labels) {
    /** Of what the mesh knows, if anything, and of the identity that was proven or is expected, if any. */
    public static Party of(IpPort address, @Nullable Workload workload, @Nullable SpiffeId principal) {
        return new Party(address, name(workload), PeerLabels.of(workload, principal));
    }

    /** Of what it says of itself, where the mesh does not know it. */
    public static Party claimed(IpPort address, Baggage baggage, @Nullable SpiffeId principal) {
        return new Party(address, baggage.service(), PeerLabels.of(baggage, principal));
    }

    private static String name(@Nullable Workload workload) {
        if (workload == null) {
            return "";
        }
        return workload.name().isEmpty() ? workload.canonicalName() : workload.name();
    }
}
