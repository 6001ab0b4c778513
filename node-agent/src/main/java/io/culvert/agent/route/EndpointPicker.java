package io.culvert.agent.route;

import io.culvert.agent.mesh.Endpoint;
import io.culvert.agent.mesh.Endpoints;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.LoadBalancing.Scope;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Picks one endpoint of a service: those that can be used, of these the nearest by the service's preference, of these one at
 * random by weight. Allocates nothing.
 */
final class EndpointPicker {
    private static final int UNUSABLE = -1;

    private final RandomGenerator random;

    EndpointPicker(RandomGenerator random) {
        this.random = random;
    }

    /**
     * An endpoint for a port of the service; null when there is none.
     *
     * @param toWaypoint the service is a waypoint's, whose port need not be declared where an application tunnel takes it
     */
    @Nullable
    Endpoint pick(Endpoints endpoints, Service service, Workload source, int servicePort, boolean toWaypoint) {
        int serviceTarget = service.ports().target(servicePort);
        if (serviceTarget > 0 && endpoints.uniform() && !prefers(service) && !restrictsFamily(service)) {
            return endpoints.isEmpty() ? null : endpoints.get(random.nextInt(endpoints.size()));
        }
        int best = UNUSABLE;
        long weight = 0;
        for (int i = 0; i < endpoints.size(); i++) {
            Endpoint endpoint = endpoints.get(i);
            int score = score(endpoint, service, source, servicePort, serviceTarget, toWaypoint);
            if (score > best) {
                best = score;
                weight = 0;
            }
            if (score != UNUSABLE && score == best) {
                weight += endpoint.workload().capacity();
            }
        }
        if (best == UNUSABLE) {
            return null;
        }
        long drawn = random.nextLong(weight);
        for (int i = 0; i < endpoints.size(); i++) {
            Endpoint endpoint = endpoints.get(i);
            if (score(endpoint, service, source, servicePort, serviceTarget, toWaypoint) == best) {
                drawn -= endpoint.workload().capacity();
                if (drawn < 0) {
                    return endpoint;
                }
            }
        }
        throw new AssertionError("the weights changed while they were added up");
    }

    /** The port of an endpoint that stands for a port of the service; {@link PortMap#ABSENT} when none does. */
    static int targetPort(Endpoint endpoint, Service service, int servicePort) {
        int own = endpoint.ports().target(servicePort);
        if (own > 0) {
            return own;
        }
        int ofService = service.ports().target(servicePort);
        if (ofService > 0) {
            return ofService;
        }
        ApplicationTunnel tunnel = endpoint.workload().applicationTunnel();
        return tunnel != null && tunnel.port() > 0 && servicePort > 0 ? servicePort : PortMap.ABSENT;
    }

    /** Whether a service lets an address of its endpoints be used. */
    static boolean admits(@Nullable Service service, IpAddress ip) {
        return service == null
                || switch (service.ipFamilies()) {
                    case AUTOMATIC, DUAL -> true;
                    case IPV4_ONLY -> ip.isV4();
                    case IPV6_ONLY -> !ip.isV4();
                };
    }

    private static int score(
            Endpoint endpoint,
            Service service,
            Workload source,
            int servicePort,
            int serviceTarget,
            boolean toWaypoint) {
        Workload workload = endpoint.workload();
        boolean usable = workload.capacity() > 0
                && isReachable(workload, service, source)
                && hasPort(endpoint, service, servicePort, serviceTarget, toWaypoint);
        LoadBalancing balancing = service.loadBalancing();
        if (!usable || balancing == null || !prefers(service)) {
            return usable ? 0 : UNUSABLE;
        }
        return preference(balancing, source, workload);
    }

    private static boolean hasPort(
            Endpoint endpoint, Service service, int servicePort, int serviceTarget, boolean toWaypoint) {
        if (serviceTarget == 0 && !toWaypoint) {
            return endpoint.ports().target(servicePort) > 0;
        }
        boolean declared =
                serviceTarget != PortMap.ABSENT || endpoint.workload().applicationTunnel() != null;
        return declared && targetPort(endpoint, service, servicePort) > 0;
    }

    /** A workload of the source's own network needs an address; one of another network may do with a gateway. */
    private static boolean isReachable(Workload workload, Service service, Workload source) {
        if (!workload.hostname().isEmpty()) {
            return true;
        }
        if (workload.networkGateway() != null && !workload.network().equals(source.network())) {
            return true;
        }
        List<IpAddress> addresses = workload.addresses();
        for (int i = 0; i < addresses.size(); i++) {
            if (admits(service, addresses.get(i))) {
                return true;
            }
        }
        return false;
    }

    private static int preference(LoadBalancing balancing, Workload source, Workload workload) {
        List<Scope> scopes = balancing.routingPreference();
        boolean networkFirst = scopes.getFirst() == Scope.NETWORK;
        int rank = 0;
        int bonus = 0;
        for (int i = 0; i < scopes.size(); i++) {
            if (shares(scopes.get(i), source, workload)) {
                rank++;
                bonus = i == 0 && networkFirst ? scopes.size() - 1 : bonus;
            } else if (i > 0 || !networkFirst) {
                break;
            }
        }
        boolean strict = balancing.mode() == LoadBalancing.Mode.STRICT;
        return strict && rank != scopes.size() ? UNUSABLE : rank + bonus;
    }

    private static boolean shares(Scope scope, Workload source, Workload workload) {
        return switch (scope) {
            case REGION -> source.locality().region().equals(workload.locality().region());
            case ZONE -> source.locality().zone().equals(workload.locality().zone());
            case SUBZONE ->
                source.locality().subzone().equals(workload.locality().subzone());
            case NODE -> source.node().equals(workload.node());
            case CLUSTER -> source.clusterId().equals(workload.clusterId());
            case NETWORK -> source.network().equals(workload.network());
        };
    }

    private static boolean prefers(Service service) {
        LoadBalancing balancing = service.loadBalancing();
        return balancing != null
                && balancing.mode() != LoadBalancing.Mode.STANDARD
                && !balancing.routingPreference().isEmpty();
    }

    private static boolean restrictsFamily(Service service) {
        return service.ipFamilies() == Service.IpFamilies.IPV4_ONLY
                || service.ipFamilies() == Service.IpFamilies.IPV6_ONLY;
    }
}
