package io.culvert.agent.route;

import io.culvert.agent.mesh.Endpoints;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which records a route follows from that a snapshot does not have, by the names that a control plane knows them by. What one of
 * them says may make further ones necessary.
 *
 * <p>Runs on: any. Bounds: {@link #NAMES_MAX} at once.
 */
public final class RouteNeeds {
    static final int NAMES_MAX = 16;

    private RouteNeeds() {}

    /** The name of an address; null for one that means something else on each machine. */
    public static @Nullable String nameOf(String network, IpAddress ip) {
        return ip.isLoopback() || ip.isUnspecified() ? null : new NetworkAddress(network, ip).toString();
    }

    /** What a connection of a local workload needs that is not known. */
    public static List<String> missing(MeshSnapshot snapshot, Workload source, String network, IpAddress original) {
        Workload workload = snapshot.workloadByAddress(network, original);
        if (workload != null) {
            GatewayAddress waypoint = workload.waypoint();
            return waypoint == null
                    ? List.of()
                    : new Search(snapshot, source).waypoint(waypoint).names();
        }
        Service service = snapshot.serviceByVip(network, original, source.namespace());
        if (service != null) {
            return new Search(snapshot, source).service(service).names();
        }
        String name = nameOf(network, original);
        return name == null ? List.of() : List.of(name);
    }

    /** What is looked at on the way, and what was not there. */
    private static final class Search {
        private final MeshSnapshot snapshot;
        private final Workload source;
        private final Set<String> missing = new LinkedHashSet<>();

        private Search(MeshSnapshot snapshot, Workload source) {
            this.snapshot = snapshot;
            this.source = source;
        }

        private List<String> names() {
            List<String> names = new ArrayList<>(missing);
            return names.subList(0, Math.min(names.size(), NAMES_MAX));
        }

        private Search service(Service service) {
            List<Service.WeightedWaypoint> weighted = service.weightedWaypoints();
            boolean drawn = false;
            for (Service.WeightedWaypoint each : weighted) {
                if (each.weight() > 0) {
                    drawn = true;
                    waypoint(each.destination());
                }
            }
            GatewayAddress waypoint = service.waypoint();
            if (!drawn && waypoint != null) {
                waypoint(waypoint);
            } else if (!drawn) {
                gateways(service);
            }
            return this;
        }

        /** A waypoint is needed itself, and the gateways to those of its endpoints that are in another network. */
        private Search waypoint(GatewayAddress waypoint) {
            Service service = serviceAt(waypoint);
            if (service != null) {
                gateways(service);
            } else {
                gateway(workloadAt(waypoint), waypoint);
            }
            return this;
        }

        private void gateways(Service service) {
            Endpoints endpoints = snapshot.endpoints(service);
            for (int i = 0; i < endpoints.size() && missing.size() < NAMES_MAX; i++) {
                gatewayTo(endpoints.get(i).workload());
            }
        }

        private void gateway(@Nullable Workload known, GatewayAddress address) {
            if (known != null) {
                gatewayTo(known);
            } else {
                missing.add(nameOf(address));
            }
        }

        private void gatewayTo(Workload workload) {
            GatewayAddress gateway = workload.networkGateway();
            boolean elsewhere = !workload.network().equals(source.network());
            if (elsewhere && gateway != null && serviceAt(gateway) == null && workloadAt(gateway) == null) {
                missing.add(nameOf(gateway));
            }
        }

        private @Nullable Service serviceAt(GatewayAddress address) {
            return switch (address) {
                case GatewayAddress.ByAddress by ->
                    snapshot.serviceByVip(by.address().network(), by.address().ip(), source.namespace());
                case GatewayAddress.ByHostname by -> snapshot.service(by.hostname());
            };
        }

        private @Nullable Workload workloadAt(GatewayAddress address) {
            return switch (address) {
                case GatewayAddress.ByAddress by ->
                    snapshot.workloadByAddress(
                            by.address().network(), by.address().ip());
                case GatewayAddress.ByHostname by -> snapshot.workloadByHostname(by.hostname());
            };
        }

        private static String nameOf(GatewayAddress address) {
            return switch (address) {
                case GatewayAddress.ByAddress by -> by.address().toString();
                case GatewayAddress.ByHostname by -> by.hostname().toString();
            };
        }
    }
}
