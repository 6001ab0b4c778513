package io.culvert.protocol.xds;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.wire.workload.IPFamilies;
import io.culvert.protocol.wire.workload.ServiceVisibility;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.List;

/** Services between message and record. */
final class ServiceCodec {
    private ServiceCodec() {}

    static Service read(
            String resourceName, io.culvert.protocol.wire.workload.Service wire, List<ConversionFault> warnings)
            throws ConversionException {
        List<NetworkAddress> vips = new ArrayList<>();
        List<Service.NetworkCidr> ranges = new ArrayList<>();
        virtualAddresses(wire.getAddressesList(), vips, ranges);
        return new Service(
                FieldReader.text("name", wire.getName()),
                FieldReader.keyPart("namespace", wire.getNamespace()),
                FieldReader.keyPart("hostname", wire.getHostname()),
                vips,
                ranges,
                PortCodec.read("ports", wire.getPortsList()),
                subjectAltNames(resourceName, wire.getSubjectAltNamesList(), warnings),
                wire.hasWaypoint() ? gateway("waypoint", wire.getWaypoint()) : null,
                weightedWaypoints(wire.getWeightedWaypointsList()),
                wire.hasLoadBalancing() ? loadBalancing(wire.getLoadBalancing()) : null,
                ipFamilies(wire.getIpFamilies()),
                wire.getCanonical(),
                visibility(wire.getVisibility()));
    }

    /** With a length that leaves room for more than one address it is a range. */
    private static void virtualAddresses(
            List<io.culvert.protocol.wire.workload.NetworkAddress> wire,
            List<NetworkAddress> vips,
            List<Service.NetworkCidr> ranges)
            throws ConversionException {
        FieldReader.count("addresses", wire.size());
        for (var address : wire) {
            String network = FieldReader.text("addresses.network", address.getNetwork());
            int length = address.hasLength()
                    ? address.getLength()
                    : 8 * address.getAddress().size();
            Cidr cidr = FieldReader.cidr("addresses", address.getAddress(), length);
            if (cidr.isSingle()) {
                vips.add(new NetworkAddress(network, cidr.network()));
            } else {
                ranges.add(new Service.NetworkCidr(network, cidr));
            }
        }
    }

    /** One that is no SPIFFE id could be proved by nobody, so leaving it out is as strict as keeping it. */
    private static List<String> subjectAltNames(String resourceName, List<String> wire, List<ConversionFault> warnings)
            throws ConversionException {
        FieldReader.count("subject_alt_names", wire.size());
        List<String> out = new ArrayList<>(wire.size());
        for (String name : wire) {
            try {
                out.add(SpiffeId.parse(name).uri());
            } catch (IllegalArgumentException malformed) {
                warnings.add(new ConversionFault(resourceName, Reason.BAD_IDENTITY, "subject_alt_names"));
            }
        }
        return out;
    }

    private static GatewayAddress gateway(String field, io.culvert.protocol.wire.workload.GatewayAddress wire)
            throws ConversionException {
        try {
            return FieldReader.gateway(wire);
        } catch (ConversionException inside) {
            throw inside.within(field);
        }
    }

    private static List<Service.WeightedWaypoint> weightedWaypoints(
            List<io.culvert.protocol.wire.workload.WeightedWaypoint> wire) throws ConversionException {
        FieldReader.count("weighted_waypoints", wire.size());
        List<Service.WeightedWaypoint> out = new ArrayList<>(wire.size());
        for (var waypoint : wire) {
            GatewayAddress destination = gateway("weighted_waypoints.destination", waypoint.getDestination());
            out.add(new Service.WeightedWaypoint(destination, Integer.toUnsignedLong(waypoint.getWeight())));
        }
        return out;
    }

    private static LoadBalancing loadBalancing(io.culvert.protocol.wire.workload.LoadBalancing wire)
            throws ConversionException {
        FieldReader.count("load_balancing.routing_preference", wire.getRoutingPreferenceCount());
        List<LoadBalancing.Scope> scopes = new ArrayList<>(wire.getRoutingPreferenceCount());
        for (var scope : wire.getRoutingPreferenceList()) {
            scopes.add(scope(scope));
        }
        return new LoadBalancing(scopes, mode(wire.getMode()), healthPolicy(wire.getHealthPolicy()));
    }

    private static LoadBalancing.Scope scope(io.culvert.protocol.wire.workload.LoadBalancing.Scope wire)
            throws ConversionException {
        return switch (wire) {
            case REGION -> LoadBalancing.Scope.REGION;
            case ZONE -> LoadBalancing.Scope.ZONE;
            case SUBZONE -> LoadBalancing.Scope.SUBZONE;
            case NODE -> LoadBalancing.Scope.NODE;
            case CLUSTER -> LoadBalancing.Scope.CLUSTER;
            case NETWORK -> LoadBalancing.Scope.NETWORK;
            case UNSPECIFIED_SCOPE, UNRECOGNIZED ->
                throw new ConversionException(Reason.UNKNOWN_VALUE, "load_balancing.routing_preference");
        };
    }

    private static LoadBalancing.Mode mode(io.culvert.protocol.wire.workload.LoadBalancing.Mode wire)
            throws ConversionException {
        return switch (wire) {
            case UNSPECIFIED_MODE -> LoadBalancing.Mode.STANDARD;
            case STRICT -> LoadBalancing.Mode.STRICT;
            case FAILOVER -> LoadBalancing.Mode.FAILOVER;
            case PASSTHROUGH -> LoadBalancing.Mode.PASSTHROUGH;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "load_balancing.mode");
        };
    }

    private static LoadBalancing.HealthPolicy healthPolicy(
            io.culvert.protocol.wire.workload.LoadBalancing.HealthPolicy wire) throws ConversionException {
        return switch (wire) {
            case ONLY_HEALTHY -> LoadBalancing.HealthPolicy.ONLY_HEALTHY;
            case ALLOW_ALL -> LoadBalancing.HealthPolicy.ALLOW_ALL;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "load_balancing.health_policy");
        };
    }

    private static Service.IpFamilies ipFamilies(IPFamilies wire) throws ConversionException {
        return switch (wire) {
            case AUTOMATIC -> Service.IpFamilies.AUTOMATIC;
            case IPV4_ONLY -> Service.IpFamilies.IPV4_ONLY;
            case IPV6_ONLY -> Service.IpFamilies.IPV6_ONLY;
            case DUAL -> Service.IpFamilies.DUAL;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "ip_families");
        };
    }

    /** Visibility orders names, it protects nothing, so an unknown one may pass as the widest. */
    private static Service.Visibility visibility(ServiceVisibility wire) {
        return switch (wire) {
            case PUBLIC, UNRECOGNIZED -> Service.Visibility.PUBLIC;
            case NAMESPACE -> Service.Visibility.NAMESPACE;
        };
    }

    static io.culvert.protocol.wire.workload.Service write(Service service) {
        var out = io.culvert.protocol.wire.workload.Service.newBuilder()
                .setName(service.name())
                .setNamespace(service.namespace())
                .setHostname(service.hostname())
                .addAllPorts(PortCodec.write(service.ports()))
                .addAllSubjectAltNames(service.subjectAltNames())
                .setCanonical(service.canonical());
        service.vips().forEach(vip -> out.addAddresses(FieldReader.toWire(vip)));
        service.cidrVips()
                .forEach(range -> out.addAddresses(FieldReader.toWire(
                                new NetworkAddress(range.network(), range.cidr().network()))
                        .setLength(range.cidr().length())));
        service.weightedWaypoints()
                .forEach(waypoint ->
                        out.addWeightedWaypoints(io.culvert.protocol.wire.workload.WeightedWaypoint.newBuilder()
                                .setDestination(FieldReader.toWire(waypoint.destination()))
                                .setWeight((int) waypoint.weight())));
        GatewayAddress waypoint = service.waypoint();
        if (waypoint != null) {
            out.setWaypoint(FieldReader.toWire(waypoint));
        }
        LoadBalancing balancing = service.loadBalancing();
        if (balancing != null) {
            out.setLoadBalancing(write(balancing));
        }
        return writeEnums(service, out).build();
    }

    private static io.culvert.protocol.wire.workload.Service.Builder writeEnums(
            Service service, io.culvert.protocol.wire.workload.Service.Builder out) {
        return out.setIpFamilies(
                        switch (service.ipFamilies()) {
                            case AUTOMATIC -> IPFamilies.AUTOMATIC;
                            case IPV4_ONLY -> IPFamilies.IPV4_ONLY;
                            case IPV6_ONLY -> IPFamilies.IPV6_ONLY;
                            case DUAL -> IPFamilies.DUAL;
                        })
                .setVisibility(
                        switch (service.visibility()) {
                            case PUBLIC -> ServiceVisibility.PUBLIC;
                            case NAMESPACE -> ServiceVisibility.NAMESPACE;
                        });
    }

    private static io.culvert.protocol.wire.workload.LoadBalancing write(LoadBalancing balancing) {
        var out = io.culvert.protocol.wire.workload.LoadBalancing.newBuilder();
        for (LoadBalancing.Scope scope : balancing.routingPreference()) {
            out.addRoutingPreference(
                    switch (scope) {
                        case REGION -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.REGION;
                        case ZONE -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.ZONE;
                        case SUBZONE -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.SUBZONE;
                        case NODE -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.NODE;
                        case CLUSTER -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.CLUSTER;
                        case NETWORK -> io.culvert.protocol.wire.workload.LoadBalancing.Scope.NETWORK;
                    });
        }
        out.setMode(
                switch (balancing.mode()) {
                    case STANDARD -> io.culvert.protocol.wire.workload.LoadBalancing.Mode.UNSPECIFIED_MODE;
                    case STRICT -> io.culvert.protocol.wire.workload.LoadBalancing.Mode.STRICT;
                    case FAILOVER -> io.culvert.protocol.wire.workload.LoadBalancing.Mode.FAILOVER;
                    case PASSTHROUGH -> io.culvert.protocol.wire.workload.LoadBalancing.Mode.PASSTHROUGH;
                });
        out.setHealthPolicy(
                switch (balancing.healthPolicy()) {
                    case ONLY_HEALTHY -> io.culvert.protocol.wire.workload.LoadBalancing.HealthPolicy.ONLY_HEALTHY;
                    case ALLOW_ALL -> io.culvert.protocol.wire.workload.LoadBalancing.HealthPolicy.ALLOW_ALL;
                });
        return out.build();
    }
}
