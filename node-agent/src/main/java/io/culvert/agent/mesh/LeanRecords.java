package io.culvert.agent.mesh;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rewrites records so that what many of them repeat is held once. */
final class LeanRecords {
    private final Interner interner;

    LeanRecords(Interner interner) {
        this.interner = interner;
    }

    /** An equal workload; its uid, name, addresses and hostname stay its own. */
    Workload workload(Workload workload) {
        return new Workload(
                workload.uid(),
                workload.name(),
                interner.same(workload.namespace()),
                workload.addresses(),
                workload.hostname(),
                interner.same(workload.network()),
                workload.tunnelProtocol(),
                interner.same(workload.trustDomain()),
                interner.same(workload.serviceAccount()),
                sameOrNull(workload.waypoint()),
                sameOrNull(workload.networkGateway()),
                interner.same(workload.node()),
                nameOr(workload, workload.canonicalName()),
                interner.same(workload.canonicalRevision()),
                workload.type(),
                nameOr(workload, workload.workloadName()),
                workload.nativeTunnel(),
                sameOrNull(workload.applicationTunnel()),
                services(workload.services()),
                interner.same(workload.authorizationPolicies()),
                workload.status(),
                interner.same(workload.clusterId()),
                interner.same(workload.locality()),
                workload.networkMode(),
                workload.capacity());
    }

    /** The service's identities, then the workload's own, as one list for all that have the same. */
    List<SpiffeId> identities(List<SpiffeId> ofService, List<SpiffeId> ofWorkload) {
        if (ofService.isEmpty() || ofService.containsAll(ofWorkload)) {
            return ofService.isEmpty() ? ofWorkload : ofService;
        }
        List<SpiffeId> both = new ArrayList<>(ofService);
        both.addAll(ofWorkload);
        return interner.same(List.copyOf(both));
    }

    /** The list that holds one identity. */
    List<SpiffeId> identity(SpiffeId identity) {
        return interner.same(List.of(identity));
    }

    /** A pod without an owner is named like what it belongs to; its name is shared with nobody else. */
    private String nameOr(Workload workload, String text) {
        return text.equals(workload.name()) ? workload.name() : interner.same(text);
    }

    private <T> @Nullable T sameOrNull(@Nullable T value) {
        return value == null ? null : interner.same(value);
    }

    private Map<NamespacedName, PortMap> services(Map<NamespacedName, PortMap> services) {
        if (services.isEmpty()) {
            return services;
        }
        List<Map.Entry<NamespacedName, PortMap>> entries = new ArrayList<>(services.size());
        services.forEach((name, ports) -> entries.add(Map.entry(interner.same(name), interner.same(ports))));
        if (entries.size() == 1) {
            return Map.of(entries.getFirst().getKey(), entries.getFirst().getValue());
        }
        @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
        Map.Entry<NamespacedName, PortMap>[] array = entries.toArray(new Map.Entry[0]);
        return Map.ofEntries(array);
    }
}
