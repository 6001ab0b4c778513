package io.culvert.agent.route;

import io.culvert.agent.mesh.Endpoint;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Finds the workload behind an address, a waypoint or a gateway: services by virtual address before workloads. */
final class UpstreamFinder {
    private final EndpointPicker picker;

    UpstreamFinder(RandomGenerator random) {
        this.picker = new EndpointPicker(random);
    }

    /** Behind the address that a connection was opened to. */
    Upstream byAddress(MeshSnapshot snapshot, Workload source, IpPort original) {
        return byAddress(snapshot, source, source.network(), original, false);
    }

    /** Behind a waypoint; the port need not be declared where an application tunnel takes it. */
    Upstream byWaypoint(MeshSnapshot snapshot, Workload source, GatewayAddress waypoint, IpAddress original) {
        return byGateway(snapshot, source, waypoint, original, true);
    }

    /** Behind the gateway to another network. */
    Upstream byNetworkGateway(MeshSnapshot snapshot, Workload source, GatewayAddress gateway, IpAddress original) {
        return byGateway(snapshot, source, gateway, original, false);
    }

    static boolean isPassthrough(Service service) {
        LoadBalancing balancing = service.loadBalancing();
        return balancing != null && balancing.mode() == LoadBalancing.Mode.PASSTHROUGH;
    }

    private Upstream byGateway(
            MeshSnapshot snapshot, Workload source, GatewayAddress gateway, IpAddress original, boolean toWaypoint) {
        return switch (gateway) {
            case GatewayAddress.ByAddress by ->
                byAddress(
                        snapshot,
                        source,
                        by.address().network(),
                        new IpPort(by.address().ip(), by.hbonePort()),
                        toWaypoint);
            case GatewayAddress.ByHostname by -> {
                Service service = snapshot.service(by.hostname());
                if (service != null) {
                    yield behind(snapshot, source, service, new IpPort(original, by.hbonePort()), toWaypoint);
                }
                Workload workload = snapshot.workloadByHostname(by.hostname());
                yield workload == null
                        ? Upstream.UNKNOWN
                        : found(snapshot, workload, new IpPort(original, by.hbonePort()));
            }
        };
    }

    private Upstream byAddress(
            MeshSnapshot snapshot, Workload source, String network, IpPort wanted, boolean toWaypoint) {
        Service service = snapshot.serviceByVip(network, wanted.ip(), source.namespace());
        if (service != null) {
            return behind(snapshot, source, service, wanted, toWaypoint);
        }
        Workload workload = snapshot.workloadByAddress(network, wanted.ip());
        return workload == null ? Upstream.UNKNOWN : found(snapshot, workload, wanted);
    }

    private Upstream behind(
            MeshSnapshot snapshot, Workload source, Service service, IpPort wanted, boolean toWaypoint) {
        if (isPassthrough(service)) {
            return Upstream.UNKNOWN;
        }
        int servicePort = wanted.port();
        if (!toWaypoint && service.ports().target(servicePort) == PortMap.ABSENT) {
            return unusable(RefusalReason.NO_SUCH_PORT, service, servicePort);
        }
        Endpoint endpoint = picker.pick(snapshot.endpoints(service), service, source, servicePort, toWaypoint);
        int port = endpoint == null ? PortMap.ABSENT : EndpointPicker.targetPort(endpoint, service, servicePort);
        if (endpoint == null || port == PortMap.ABSENT) {
            return unusable(RefusalReason.NO_HEALTHY_ENDPOINT, service, servicePort);
        }
        return found(endpoint.workload(), service, port, wanted.ip(), endpoint.identities());
    }

    private static Upstream found(MeshSnapshot snapshot, Workload workload, IpPort wanted) {
        return found(workload, null, wanted.port(), wanted.ip(), snapshot.expectedIdentities(null, workload));
    }

    private static Upstream found(
            Workload workload, @Nullable Service service, int port, IpAddress wanted, List<SpiffeId> identities) {
        return new Upstream.Found(workload, service, port, address(workload, service, wanted), identities);
    }

    /** The wanted address if the workload has it, else one of its family, else any that the service admits. */
    private static @Nullable IpAddress address(Workload workload, @Nullable Service service, IpAddress wanted) {
        List<IpAddress> addresses = workload.addresses();
        IpAddress sameFamily = null;
        IpAddress any = null;
        for (int i = 0; i < addresses.size(); i++) {
            IpAddress ip = addresses.get(i);
            if (ip.equals(wanted)) {
                return ip;
            }
            if (EndpointPicker.admits(service, ip)) {
                any = any == null ? ip : any;
                sameFamily = sameFamily == null && ip.isV4() == wanted.isV4() ? ip : sameFamily;
            }
        }
        return sameFamily != null ? sameFamily : any;
    }

    private static Upstream unusable(RefusalReason reason, Service service, int port) {
        return new Upstream.Unusable(
                reason, "service " + service.namespace() + "/" + service.hostname() + " port " + port);
    }
}
