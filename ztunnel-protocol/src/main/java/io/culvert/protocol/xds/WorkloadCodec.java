package io.culvert.protocol.xds;

import com.google.protobuf.ByteString;
import com.google.protobuf.UInt32Value;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.wire.workload.ApplicationTunnel;
import io.culvert.protocol.wire.workload.PortList;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.Workload.Health;
import io.culvert.protocol.workload.Workload.NetworkMode;
import io.culvert.protocol.workload.Workload.TunnelProtocol;
import io.culvert.protocol.workload.Workload.WorkloadType;
import io.culvert.protocol.workload.WorkloadUid;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Workloads between message and record; empty fields get the meaning that their sender gives to them. */
final class WorkloadCodec {
    private static final String SERVICE_ACCOUNT_DEFAULT = "default";
    private static final String CLUSTER_DEFAULT = "Kubernetes";

    private WorkloadCodec() {}

    static Workload read(io.culvert.protocol.wire.workload.Workload wire) throws ConversionException {
        return new Workload(
                uid(wire.getUid()),
                FieldReader.text("name", wire.getName()),
                namespace(wire.getNamespace()),
                addresses(wire.getAddressesList()),
                FieldReader.text("hostname", wire.getHostname()),
                FieldReader.text("network", wire.getNetwork()),
                tunnelProtocol(wire.getTunnelProtocol()),
                trustDomain(wire.getTrustDomain()),
                serviceAccount(wire.getServiceAccount()),
                gateway("waypoint", wire.hasWaypoint() ? wire.getWaypoint() : null),
                gateway("network_gateway", wire.hasNetworkGateway() ? wire.getNetworkGateway() : null),
                FieldReader.text("node", wire.getNode()),
                FieldReader.text("canonical_name", wire.getCanonicalName()),
                FieldReader.text("canonical_revision", wire.getCanonicalRevision()),
                type(wire.getWorkloadType()),
                FieldReader.text("workload_name", wire.getWorkloadName()),
                wire.getNativeTunnel(),
                wire.hasApplicationTunnel() ? applicationTunnel(wire.getApplicationTunnel()) : null,
                services(wire.getServicesMap()),
                policies(wire.getAuthorizationPoliciesList()),
                health(wire.getStatus()),
                wire.getClusterId().isEmpty() ? CLUSTER_DEFAULT : FieldReader.text("cluster_id", wire.getClusterId()),
                locality(wire.getLocality()),
                networkMode(wire.getNetworkMode()),
                wire.hasCapacity() ? capacity(wire.getCapacity().getValue()) : 1);
    }

    private static WorkloadUid uid(String wire) throws ConversionException {
        if (FieldReader.required("uid", wire).length() > WorkloadUid.LENGTH_MAX) {
            throw new ConversionException(Reason.TOO_LONG, "uid");
        }
        return new WorkloadUid(wire);
    }

    /** Empty where a network gateway's namespace is unknown; such a workload proves no identity. */
    private static String namespace(String wire) throws ConversionException {
        return wire.isEmpty() ? wire : segment("namespace", wire);
    }

    private static String serviceAccount(String wire) throws ConversionException {
        return wire.isEmpty() ? SERVICE_ACCOUNT_DEFAULT : segment("service_account", wire);
    }

    private static String segment(String field, String wire) throws ConversionException {
        if (!SpiffeId.isSegment(FieldReader.text(field, wire))) {
            throw new ConversionException(Reason.BAD_IDENTITY, field);
        }
        return wire;
    }

    private static TrustDomain trustDomain(String wire) throws ConversionException {
        try {
            return wire.isEmpty() ? TrustDomain.CLUSTER_LOCAL : TrustDomain.of(wire);
        } catch (IllegalArgumentException malformed) {
            throw new ConversionException(Reason.BAD_IDENTITY, "trust_domain");
        }
    }

    private static List<IpAddress> addresses(List<ByteString> wire) throws ConversionException {
        FieldReader.count("addresses", wire.size());
        List<IpAddress> out = new ArrayList<>(wire.size());
        for (ByteString bytes : wire) {
            out.add(FieldReader.address("addresses", bytes));
        }
        return out;
    }

    private static @Nullable GatewayAddress gateway(
            String field, io.culvert.protocol.wire.workload.@Nullable GatewayAddress wire) throws ConversionException {
        try {
            return wire == null ? null : FieldReader.gateway(wire);
        } catch (ConversionException inside) {
            throw inside.within(field);
        }
    }

    private static TunnelProtocol tunnelProtocol(io.culvert.protocol.wire.workload.TunnelProtocol wire)
            throws ConversionException {
        return switch (wire) {
            case NONE -> TunnelProtocol.NONE;
            case HBONE -> TunnelProtocol.HBONE;
            case LEGACY_ISTIO_MTLS -> throw new ConversionException(Reason.UNSUPPORTED, "tunnel_protocol");
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "tunnel_protocol");
        };
    }

    /** Only telemetry shows it, so an unknown one may pass. */
    private static WorkloadType type(io.culvert.protocol.wire.workload.WorkloadType wire) {
        return switch (wire) {
            case DEPLOYMENT, UNRECOGNIZED -> WorkloadType.DEPLOYMENT;
            case CRONJOB -> WorkloadType.CRONJOB;
            case POD -> WorkloadType.POD;
            case JOB -> WorkloadType.JOB;
        };
    }

    private static io.culvert.protocol.workload.ApplicationTunnel applicationTunnel(ApplicationTunnel wire)
            throws ConversionException {
        var protocol = switch (wire.getProtocol()) {
            case NONE -> io.culvert.protocol.workload.ApplicationTunnel.Protocol.NONE;
            case PROXY -> io.culvert.protocol.workload.ApplicationTunnel.Protocol.PROXY;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "application_tunnel.protocol");
        };
        return new io.culvert.protocol.workload.ApplicationTunnel(protocol, FieldReader.port(wire.getPort()));
    }

    private static Map<NamespacedName, PortMap> services(Map<String, PortList> wire) throws ConversionException {
        FieldReader.count("services", wire.size());
        Map<NamespacedName, PortMap> out = HashMap.newHashMap(wire.size());
        for (Map.Entry<String, PortList> entry : wire.entrySet()) {
            out.put(
                    FieldReader.name("services", entry.getKey()),
                    PortCodec.read("services.ports", entry.getValue().getPortsList()));
        }
        return out;
    }

    private static List<NamespacedName> policies(List<String> wire) throws ConversionException {
        FieldReader.count("authorization_policies", wire.size());
        List<NamespacedName> out = new ArrayList<>(wire.size());
        for (String name : wire) {
            out.add(FieldReader.policyName("authorization_policies", name));
        }
        return out;
    }

    private static Health health(io.culvert.protocol.wire.workload.WorkloadStatus wire) throws ConversionException {
        return switch (wire) {
            case HEALTHY -> Health.HEALTHY;
            case UNHEALTHY -> Health.UNHEALTHY;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "status");
        };
    }

    private static Locality locality(io.culvert.protocol.wire.workload.Locality wire) throws ConversionException {
        return new Locality(
                FieldReader.text("locality.region", wire.getRegion()),
                FieldReader.text("locality.zone", wire.getZone()),
                FieldReader.text("locality.subzone", wire.getSubzone()));
    }

    private static NetworkMode networkMode(io.culvert.protocol.wire.workload.NetworkMode wire)
            throws ConversionException {
        return switch (wire) {
            case STANDARD -> NetworkMode.STANDARD;
            case HOST_NETWORK -> NetworkMode.HOST_NETWORK;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "network_mode");
        };
    }

    /** Weights past 2^31 are one weight: more than any endpoint has. */
    private static int capacity(int wire) {
        return wire < 0 ? Integer.MAX_VALUE : wire;
    }

    static io.culvert.protocol.wire.workload.Workload write(Workload workload) {
        var out = io.culvert.protocol.wire.workload.Workload.newBuilder()
                .setUid(workload.uid().value())
                .setName(workload.name())
                .setNamespace(workload.namespace())
                .setHostname(workload.hostname())
                .setNetwork(workload.network())
                .setTunnelProtocol(
                        switch (workload.tunnelProtocol()) {
                            case NONE -> io.culvert.protocol.wire.workload.TunnelProtocol.NONE;
                            case HBONE -> io.culvert.protocol.wire.workload.TunnelProtocol.HBONE;
                        })
                .setServiceAccount(workload.serviceAccount())
                .setNode(workload.node())
                .setCanonicalName(workload.canonicalName())
                .setCanonicalRevision(workload.canonicalRevision())
                .setWorkloadName(workload.workloadName())
                .setNativeTunnel(workload.nativeTunnel())
                .setClusterId(workload.clusterId())
                .setCapacity(UInt32Value.newBuilder().setValue(workload.capacity()));
        workload.addresses().forEach(ip -> out.addAddresses(FieldReader.bytes(ip)));
        workload.authorizationPolicies().forEach(policy -> out.addAuthorizationPolicies(policy.toString()));
        writeEnums(workload, out);
        writeOptional(workload, out);
        return out.build();
    }

    private static void writeEnums(Workload workload, io.culvert.protocol.wire.workload.Workload.Builder out) {
        out.setWorkloadType(
                switch (workload.type()) {
                    case DEPLOYMENT -> io.culvert.protocol.wire.workload.WorkloadType.DEPLOYMENT;
                    case CRONJOB -> io.culvert.protocol.wire.workload.WorkloadType.CRONJOB;
                    case POD -> io.culvert.protocol.wire.workload.WorkloadType.POD;
                    case JOB -> io.culvert.protocol.wire.workload.WorkloadType.JOB;
                });
        out.setStatus(
                switch (workload.status()) {
                    case HEALTHY -> io.culvert.protocol.wire.workload.WorkloadStatus.HEALTHY;
                    case UNHEALTHY -> io.culvert.protocol.wire.workload.WorkloadStatus.UNHEALTHY;
                });
        out.setNetworkMode(
                switch (workload.networkMode()) {
                    case STANDARD -> io.culvert.protocol.wire.workload.NetworkMode.STANDARD;
                    case HOST_NETWORK -> io.culvert.protocol.wire.workload.NetworkMode.HOST_NETWORK;
                });
    }

    private static void writeOptional(Workload workload, io.culvert.protocol.wire.workload.Workload.Builder out) {
        if (!workload.trustDomain().equals(TrustDomain.CLUSTER_LOCAL)) {
            out.setTrustDomain(workload.trustDomain().name());
        }
        GatewayAddress waypoint = workload.waypoint();
        if (waypoint != null) {
            out.setWaypoint(FieldReader.toWire(waypoint));
        }
        GatewayAddress gateway = workload.networkGateway();
        if (gateway != null) {
            out.setNetworkGateway(FieldReader.toWire(gateway));
        }
        var tunnel = workload.applicationTunnel();
        if (tunnel != null) {
            out.setApplicationTunnel(ApplicationTunnel.newBuilder()
                    .setPort(tunnel.port())
                    .setProtocol(
                            switch (tunnel.protocol()) {
                                case NONE -> ApplicationTunnel.Protocol.NONE;
                                case PROXY -> ApplicationTunnel.Protocol.PROXY;
                            }));
        }
        if (!workload.locality().equals(Locality.UNKNOWN)) {
            out.setLocality(io.culvert.protocol.wire.workload.Locality.newBuilder()
                    .setRegion(workload.locality().region())
                    .setZone(workload.locality().zone())
                    .setSubzone(workload.locality().subzone()));
        }
        // In order of their names, so that equal workloads are equal bytes.
        workload.services().entrySet().stream()
                .sorted(java.util.Comparator.comparing(entry -> entry.getKey().toString()))
                .forEach(entry -> out.putServices(
                        entry.getKey().toString(),
                        PortList.newBuilder()
                                .addAllPorts(PortCodec.write(entry.getValue()))
                                .build()));
    }
}
