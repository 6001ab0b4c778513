package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.telemetry.ServiceLabels;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import java.util.Map;

/** Guesses, for telemetry, which service an inbound connection was meant for. */
final class InboundService {
    private InboundService() {}

    /** The service that the peer names, if the workload is of it; else the first that leads to the port. */
    static ServiceLabels of(MeshSnapshot snapshot, Workload self, String forwardedHost, int port) {
        NamespacedName byPort = null;
        for (Map.Entry<NamespacedName, PortMap> entry : self.services().entrySet()) {
            if (!forwardedHost.isEmpty() && entry.getKey().name().equals(forwardedHost)) {
                return labels(snapshot, entry.getKey());
            }
            if (byPort == null && leadsTo(entry.getValue(), port)) {
                byPort = entry.getKey();
            }
        }
        return byPort == null ? ServiceLabels.UNKNOWN : labels(snapshot, byPort);
    }

    private static ServiceLabels labels(MeshSnapshot snapshot, NamespacedName key) {
        return ServiceLabels.of(snapshot.service(key));
    }

    private static boolean leadsTo(PortMap ports, int port) {
        for (int i = 0; i < ports.size(); i++) {
            if (ports.targetPort(i) == port) {
                return true;
            }
        }
        return false;
    }
}
