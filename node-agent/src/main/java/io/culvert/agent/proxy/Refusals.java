package io.culvert.agent.proxy;

import io.culvert.agent.route.RefusalReason;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;

/** What the router's refusals mean for a connection and for the metrics. */
final class Refusals {
    private Refusals() {}

    /** Counts a refusal that no honest peer or application provokes. */
    static void count(Metrics metrics, RefusalReason reason) {
        if (reason == RefusalReason.FOREIGN_AUTHORITY) {
            metrics.badPeer(BadPeer.FOREIGN_DESTINATION);
        } else if (reason == RefusalReason.OWN_PORT) {
            metrics.badPeer(BadPeer.OWN_PORT);
        }
    }

    static CloseReason closeReason(RefusalReason reason) {
        return switch (reason) {
            case OWN_PORT -> CloseReason.SELF_CALL;
            case LOCAL_WORKLOAD_UNKNOWN -> CloseReason.WORKLOAD_UNKNOWN;
            case FOREIGN_AUTHORITY -> CloseReason.FOREIGN_DESTINATION;
            case PORT_ZERO,
                    NO_SUCH_PORT,
                    NO_HEALTHY_ENDPOINT,
                    WAYPOINT_UNRESOLVED,
                    NO_ADDRESS,
                    NO_GATEWAY,
                    GATEWAY_UNRESOLVED,
                    SERVICE_REQUIRED,
                    NO_IDENTITY,
                    UNKNOWN_HOSTNAME,
                    NO_VIRTUAL_ADDRESS -> CloseReason.NO_UPSTREAM;
        };
    }
}
