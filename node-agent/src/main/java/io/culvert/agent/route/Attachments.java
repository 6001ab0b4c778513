package io.culvert.agent.route;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a workload is the waypoint of something. Visible to whom does not matter here. */
final class Attachments {
    private Attachments() {}

    /** Whether a waypoint's address leads to this workload. */
    static boolean isBehind(MeshSnapshot snapshot, Workload workload, GatewayAddress waypoint) {
        return switch (waypoint) {
            case GatewayAddress.ByAddress by -> {
                String network = by.address().network();
                IpAddress ip = by.address().ip();
                Service service = snapshot.serviceByVip(network, ip, null);
                yield service != null
                        ? isEndpoint(workload, service)
                        : isSame(workload, snapshot.workloadByAddress(network, ip));
            }
            case GatewayAddress.ByHostname by -> {
                Service service = snapshot.service(by.hostname());
                yield service != null
                        ? isEndpoint(workload, service)
                        : isSame(workload, snapshot.workloadByHostname(by.hostname()));
            }
        };
    }

    /** Whether traffic for an address, a workload's before a service's, is meant to pass this workload. */
    static boolean isWaypointOf(MeshSnapshot snapshot, Workload workload, String network, IpAddress ip) {
        Workload addressed = snapshot.workloadByAddress(network, ip);
        if (addressed != null) {
            GatewayAddress waypoint = addressed.waypoint();
            return waypoint != null && isBehind(snapshot, workload, waypoint);
        }
        Service service = snapshot.serviceByVip(network, ip, null);
        return service != null && isWaypointOf(snapshot, workload, service);
    }

    private static boolean isWaypointOf(MeshSnapshot snapshot, Workload workload, Service service) {
        GatewayAddress waypoint = service.waypoint();
        if (waypoint != null && isBehind(snapshot, workload, waypoint)) {
            return true;
        }
        List<Service.WeightedWaypoint> weighted = service.weightedWaypoints();
        for (int i = 0; i < weighted.size(); i++) {
            if (isBehind(snapshot, workload, weighted.get(i).destination())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isEndpoint(Workload workload, Service service) {
        return workload.services().containsKey(service.key());
    }

    private static boolean isSame(Workload workload, @Nullable Workload other) {
        return other != null && other.uid().equals(workload.uid());
    }
}
