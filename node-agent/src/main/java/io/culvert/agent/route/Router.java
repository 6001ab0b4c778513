package io.culvert.agent.route;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Service.WeightedWaypoint;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Decides where connections go.
 *
 * <p>Two lookups of the original destination differ on purpose: what was <em>addressed</em> is a workload before it is a
 * service, what it <em>leads to</em> is a service before it is a workload.
 *
 * <p>Runs on: the thread that owns the random generator. Errors: none; what cannot be routed is refused.
 */
public final class Router {
    private final RouterSettings settings;
    private final UpstreamFinder upstreams;
    private final RandomGenerator random;
    private final InboundRouter inbound;

    public Router(RandomGenerator random, RouterSettings settings) {
        this.random = random;
        this.settings = settings;
        this.upstreams = new UpstreamFinder(random);
        this.inbound = new InboundRouter(settings);
    }

    /** Where a connection goes that a local workload opened. */
    public Route outbound(MeshSnapshot snapshot, Workload source, IpPort original) {
        Route.Refused refused = neverReached(original);
        if (refused != null) {
            return refused;
        }
        Service service = addressedService(snapshot, source, original.ip());
        GatewayAddress waypoint = service == null ? null : waypointOf(service);
        if (service != null && waypoint != null) {
            return viaServiceWaypoint(snapshot, source, original, service, waypoint);
        }
        return switch (upstreams.byAddress(snapshot, source, original)) {
            case Upstream.Found found -> toUpstream(snapshot, source, original, service, found);
            case Upstream.Unusable(RefusalReason reason, String detail) -> new Route.Refused(reason, detail);
            case Upstream.Unknown() ->
                service == null || UpstreamFinder.isPassthrough(service)
                        ? direct(source, original, null, service)
                        : new Route.Refused(RefusalReason.NO_HEALTHY_ENDPOINT, "service " + service.key());
        };
    }

    /** Why nobody is connected to a destination, whatever the mesh is; null where the mesh decides. */
    public Route.@Nullable Refused neverReached(IpPort original) {
        if (original.port() == 0) {
            return new Route.Refused(RefusalReason.PORT_ZERO, original.toString());
        }
        return original.ip().isLoopback() && settings.isOwnPort(original.port())
                ? new Route.Refused(RefusalReason.OWN_PORT, original.toString())
                : null;
    }

    /** Where a connection goes whose next hop was known by hostname only, now that it is resolved. */
    public Route resolved(Workload source, Route.Resolve resolve, IpAddress ip) {
        return switch (resolve.template()) {
            case Route.Direct to -> direct(source, at(ip, to.target()), to.destination(), to.service());
            case Route.Hbone to ->
                new Route.Hbone(
                        at(ip, to.tunnel()),
                        new ConnectTarget.IpTarget(ip, to.authority().port()),
                        to.expectedIdentities(),
                        to.destination(),
                        to.service());
            case Route.ViaWaypoint to ->
                new Route.ViaWaypoint(
                        at(ip, to.tunnel()), to.authority(), to.expectedIdentities(), to.destination(), to.service());
            case Route.DoubleHbone to ->
                new Route.DoubleHbone(
                        at(ip, to.tunnel()),
                        to.authority(),
                        to.expectedIdentities(),
                        to.innerIdentities(),
                        to.destination(),
                        to.service());
            case Route.Resolve to -> to;
            case Route.Refused to -> to;
        };
    }

    /** Where a stream of a tunnel goes that ended at a local workload's address. */
    public InboundRoute inbound(MeshSnapshot snapshot, Workload local, IpAddress localIp, ConnectTarget authority) {
        return inbound.route(snapshot, local, localIp, authority);
    }

    /** Where plaintext goes that came in for a local workload. */
    public InboundRoute passthrough(MeshSnapshot snapshot, Workload local, IpPort original) {
        return inbound.passthrough(original);
    }

    private @Nullable Service addressedService(MeshSnapshot snapshot, Workload source, IpAddress ip) {
        return snapshot.workloadByAddress(settings.network(), ip) != null
                ? null
                : snapshot.serviceByVip(settings.network(), ip, source.namespace());
    }

    /** One of the weighted waypoints if any has weight, else the plain one. */
    private @Nullable GatewayAddress waypointOf(Service service) {
        List<WeightedWaypoint> weighted = service.weightedWaypoints();
        long sum = 0;
        for (int i = 0; i < weighted.size(); i++) {
            sum += Math.max(0, weighted.get(i).weight());
        }
        if (sum <= 0) {
            return service.waypoint();
        }
        long drawn = random.nextLong(sum);
        int at = 0;
        while (drawn >= Math.max(0, weighted.get(at).weight())) {
            drawn -= Math.max(0, weighted.get(at).weight());
            at++;
        }
        return weighted.get(at).destination();
    }

    private Route viaServiceWaypoint(
            MeshSnapshot snapshot, Workload source, IpPort original, Service service, GatewayAddress waypoint) {
        return switch (upstreams.byWaypoint(snapshot, source, waypoint, original.ip())) {
            case Upstream.Found found ->
                found.workload().network().equals(source.network())
                        ? viaWaypoint(original, service, found)
                        : viaGateway(snapshot, source, original, service, found);
            case Upstream.Unusable unusable -> unresolved(waypoint, unusable.detail());
            case Upstream.Unknown() -> unresolved(waypoint, "it is not known");
        };
    }

    private Route toUpstream(
            MeshSnapshot snapshot, Workload source, IpPort original, @Nullable Service service, Upstream.Found found) {
        Workload workload = found.workload();
        if (!workload.network().equals(source.network())) {
            return service == null
                    ? new Route.Refused(RefusalReason.SERVICE_REQUIRED, "workload " + workload.uid())
                    : viaGateway(snapshot, source, original, service, found);
        }
        GatewayAddress waypoint = workload.waypoint();
        if (service == null && waypoint != null && !Attachments.isBehind(snapshot, source, waypoint)) {
            return switch (upstreams.byWaypoint(snapshot, source, waypoint, original.ip())) {
                case Upstream.Found w -> viaWaypoint(original, null, w);
                case Upstream.Unusable unusable -> unresolved(waypoint, unusable.detail());
                case Upstream.Unknown() -> unresolved(waypoint, "it is not known");
            };
        }
        Service of = service == null ? found.service() : service;
        IpAddress ip = Objects.requireNonNullElse(found.ip(), Route.Resolve.UNRESOLVED);
        IpPort target = new IpPort(ip, found.port());
        return switch (workload.tunnelProtocol()) {
            case HBONE ->
                proven(
                        found,
                        original,
                        new Route.Hbone(
                                new IpPort(ip, settings.hbonePort()),
                                new ConnectTarget.IpTarget(ip, found.port()),
                                found.identities(),
                                workload,
                                of));
            case NONE ->
                found.ip() == null
                        ? addressed(found, original, new Route.Direct(target, workload, of))
                        : direct(source, target, workload, of);
        };
    }

    private static Route viaWaypoint(IpPort original, @Nullable Service service, Upstream.Found waypoint) {
        IpAddress ip = Objects.requireNonNullElse(waypoint.ip(), Route.Resolve.UNRESOLVED);
        return proven(
                waypoint,
                original,
                new Route.ViaWaypoint(
                        new IpPort(ip, waypoint.port()),
                        new ConnectTarget.IpTarget(original.ip(), original.port()),
                        waypoint.identities(),
                        waypoint.workload(),
                        service));
    }

    /** To what is in another network, an endpoint or a waypoint, through the gateway that it names. */
    private Route viaGateway(
            MeshSnapshot snapshot, Workload source, IpPort original, Service service, Upstream.Found remote) {
        GatewayAddress gateway = remote.workload().networkGateway();
        if (gateway == null) {
            return new Route.Refused(
                    RefusalReason.NO_GATEWAY, "workload " + remote.workload().uid());
        }
        ConnectTarget authority = ConnectTarget.parse(service.hostname() + ":" + original.port());
        if (!(authority instanceof ConnectTarget.HostTarget host)) {
            return new Route.Refused(RefusalReason.SERVICE_REQUIRED, "service " + service.key());
        }
        List<SpiffeId> inner = remote.service() == null ? List.of() : snapshot.serviceIdentities(remote.service());
        if (inner.isEmpty()) {
            return new Route.Refused(RefusalReason.NO_IDENTITY, "service " + service.key() + " in another network");
        }
        return switch (upstreams.byNetworkGateway(snapshot, source, gateway, original.ip())) {
            case Upstream.Found found ->
                proven(
                        found,
                        original,
                        new Route.DoubleHbone(
                                new IpPort(
                                        Objects.requireNonNullElse(found.ip(), Route.Resolve.UNRESOLVED), found.port()),
                                host,
                                found.identities(),
                                inner,
                                found.workload(),
                                service));
            case Upstream.Unusable unusable ->
                new Route.Refused(RefusalReason.GATEWAY_UNRESOLVED, name(gateway) + ": " + unusable.detail());
            case Upstream.Unknown() ->
                new Route.Refused(RefusalReason.GATEWAY_UNRESOLVED, name(gateway) + ": it is not known");
        };
    }

    /** Plain TCP, unless it would come back to this agent. */
    private Route direct(Workload source, IpPort target, @Nullable Workload destination, @Nullable Service service) {
        IpAddress ip = target.ip();
        boolean self =
                ip.isLoopback() || ip.isUnspecified() || source.addresses().contains(ip);
        return self && settings.isOwnPort(target.port())
                ? new Route.Refused(RefusalReason.OWN_PORT, target.toString())
                : new Route.Direct(target, destination, service);
    }

    /** A tunnel, unless there is nothing its end could prove to be. */
    private static Route proven(Upstream.Found found, IpPort original, Route tunnel) {
        return found.identities().isEmpty()
                ? new Route.Refused(
                        RefusalReason.NO_IDENTITY,
                        "workload " + found.workload().uid())
                : addressed(found, original, tunnel);
    }

    private static Route addressed(Upstream.Found found, IpPort original, Route route) {
        if (found.ip() != null) {
            return route;
        }
        String hostname = found.workload().hostname();
        return hostname.isEmpty()
                ? new Route.Refused(
                        RefusalReason.NO_ADDRESS, "workload " + found.workload().uid())
                : new Route.Resolve(hostname, original.ip().isV4(), route);
    }

    private static Route unresolved(GatewayAddress waypoint, String why) {
        return new Route.Refused(RefusalReason.WAYPOINT_UNRESOLVED, name(waypoint) + ": " + why);
    }

    private static String name(GatewayAddress gateway) {
        return switch (gateway) {
            case GatewayAddress.ByAddress by -> by.address() + " port " + by.hbonePort();
            case GatewayAddress.ByHostname by -> by.hostname() + " port " + by.hbonePort();
        };
    }

    private static IpPort at(IpAddress ip, IpPort template) {
        return new IpPort(ip, template.port());
    }
}
