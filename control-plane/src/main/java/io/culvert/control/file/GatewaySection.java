package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads waypoints and network gateways, and checks at the end that each of them is somebody in the file. */
final class GatewaySection {
    private static final int HBONE_PORT = 15_008;

    private final List<Reference> references = new ArrayList<>();

    /** A gateway and the place that names it. */
    private record Reference(GatewayAddress gateway, Field at) {}

    /** Reads {@code key: {hostname, namespace, port}} or {@code key: {address, network, port}}; null where absent. */
    @Nullable
    GatewayAddress read(Fields owner, String key, String namespace, String network) {
        Field field = owner.field(key);
        return field == null ? null : read(field, namespace, network);
    }

    @Nullable
    GatewayAddress read(Field field, String namespace, String network) {
        Fields fields = field.fields();
        if (fields == null) {
            return null;
        }
        int port = fields.number("port", 1, 65_535, HBONE_PORT);
        GatewayAddress gateway = fields.field("address") != null
                ? byAddress(fields, network, port)
                : byHostname(fields, namespace, port);
        fields.finish();
        if (gateway != null) {
            references.add(new Reference(gateway, field));
        }
        return gateway;
    }

    private static @Nullable GatewayAddress byAddress(Fields fields, String network, int port) {
        Field address = fields.field("address");
        IpAddress ip = address == null ? null : address.parsed(IpAddress::parse, "write an IPv4 or IPv6 address");
        String of = fields.text("network", network);
        return ip == null ? null : new GatewayAddress.ByAddress(new NetworkAddress(of, ip), port);
    }

    private static @Nullable GatewayAddress byHostname(Fields fields, String namespace, int port) {
        Field hostname = fields.required("hostname");
        String name = hostname == null ? null : hostname.parsed(Names::hostname, Names.SUBDOMAIN_FIX);
        String of = fields.parsed("namespace", Names::label, Names.LABEL_FIX, namespace);
        fields.refuse(Set.of("network"), "a hostname is the same in every network", "remove 'network'");
        return name == null ? null : new GatewayAddress.ByHostname(new NamespacedName(of, name), port);
    }

    /** Reports every gateway that nobody in the file is. */
    void check(MeshIndex index) {
        for (Reference reference : references) {
            switch (reference.gateway()) {
                case GatewayAddress.ByHostname byHostname -> {
                    if (!index.hasHostname(byHostname.hostname())) {
                        reference
                                .at()
                                .wrong(
                                        "no service or workload has the hostname "
                                                + byHostname.hostname().name()
                                                + " in namespace "
                                                + byHostname.hostname().namespace(),
                                        "describe it under 'services', or correct hostname and namespace");
                    }
                }
                case GatewayAddress.ByAddress byAddress -> {
                    if (!index.hasAddress(byAddress.address())) {
                        reference
                                .at()
                                .wrong(
                                        "no service or workload has the address "
                                                + byAddress.address().ip(),
                                        "describe it under 'workloads' or 'services', or correct address and network");
                    }
                }
            }
        }
    }
}
