package io.culvert.protocol.xds;

import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.discovery.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The client's half of delta xDS: what to ask, what to answer, and what of a response to take.
 *
 * <p>It outlives streams. What was taken is remembered by name and version, and told at the start of the next stream, so
 * that only differences are sent. A resource whose newest version was rejected, while an older one is in force, is told
 * with an empty version: the sender repeats it, and still says when it is gone. One that never was taken is not told.
 *
 * <p>Runs on: one thread at a time. Bounds: a NACK's text at most 4,096 characters.
 *
 * <p>Source: the xDS protocol's "Incremental xDS", and observed control planes.
 */
public final class DeltaSession {
    static final int NACK_LENGTH_MAX = 4_096;

    private final Node node;
    private final Map<String, Map<String, String>> versionsByType = new LinkedHashMap<>();
    private final Set<String> awaited = new LinkedHashSet<>();

    /**
     * A session that holds nothing yet.
     *
     * @param node who we are
     * @param typeUrls every resource of these types is wanted; asked for in this order
     */
    public DeltaSession(Node node, List<String> typeUrls) {
        this.node = node;
        for (String typeUrl : typeUrls) {
            versionsByType.put(typeUrl, new HashMap<>());
            awaited.add(typeUrl);
        }
    }

    /** Opens a stream: the requests to send first. */
    public List<DeltaDiscoveryRequest> open() {
        List<DeltaDiscoveryRequest> requests = new ArrayList<>(versionsByType.size());
        versionsByType.forEach((typeUrl, versions) -> requests.add(DeltaDiscoveryRequest.newBuilder()
                .setNode(node)
                .setTypeUrl(typeUrl)
                .putAllInitialResourceVersions(versions)
                .build()));
        return requests;
    }

    /** Takes one response; the caller applies it and then sends its reply. */
    public Reception receive(DeltaDiscoveryResponse response) {
        Map<String, String> versions = versionsByType.get(response.getTypeUrl());
        Batch batch = new Batch();
        if (versions != null) {
            for (Resource resource : response.getResourcesList()) {
                batch.take(response.getTypeUrl(), resource, versions);
            }
            response.getRemovedResourcesList().forEach(versions::remove);
            awaited.remove(response.getTypeUrl());
        }
        return new Reception(
                response.getTypeUrl(),
                versions != null,
                batch.accepted,
                versions == null ? List.of() : response.getRemovedResourcesList(),
                batch.rejected,
                batch.warnings,
                reply(response, batch.rejected));
    }

    /**
     * Whether every type had a first response, even one that was rejected in part: a single bad resource must not keep a
     * node from starting.
     */
    public boolean isSynced() {
        return awaited.isEmpty();
    }

    /** How many resources of a type are held. */
    public int held(String typeUrl) {
        Map<String, String> versions = versionsByType.get(typeUrl);
        return versions == null ? 0 : versions.size();
    }

    private static DeltaDiscoveryRequest reply(DeltaDiscoveryResponse response, List<ConversionFault> rejected) {
        var reply = DeltaDiscoveryRequest.newBuilder()
                .setTypeUrl(response.getTypeUrl())
                .setResponseNonce(response.getNonce());
        if (!rejected.isEmpty()) {
            reply.setErrorDetail(Status.newBuilder().setMessage(explain(rejected)));
        }
        return reply.build();
    }

    private static String explain(List<ConversionFault> faults) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < faults.size(); i++) {
            String next = (i == 0 ? "" : "; ") + faults.get(i);
            String rest = "; and " + (faults.size() - i) + " more";
            if (out.length() + next.length() + rest.length() > NACK_LENGTH_MAX) {
                return out.append(rest).toString();
            }
            out.append(next);
        }
        return out.toString();
    }

    /** What became of a response's resources. */
    private static final class Batch {
        private final List<Accepted> accepted = new ArrayList<>();
        private final List<ConversionFault> rejected = new ArrayList<>();
        private final List<ConversionFault> warnings = new ArrayList<>();

        private void take(String typeUrl, Resource resource, Map<String, String> versions) {
            switch (MeshResources.decode(typeUrl, resource)) {
                case Converted.Taken<MeshResource>(var value, var found) -> {
                    accepted.add(new Accepted(resource.getName(), value));
                    warnings.addAll(found);
                    versions.put(resource.getName(), resource.getVersion());
                }
                case Converted.Rejected<MeshResource>(var fault) -> {
                    rejected.add(fault);
                    versions.computeIfPresent(resource.getName(), (name, older) -> "");
                }
            }
        }
    }

    /**
     * A resource that was taken.
     *
     * @param name the name by which the sender will remove it
     * @param resource the record
     */
    public record Accepted(String name, MeshResource resource) {}

    /**
     * What to do about one response: first the accepted in their order, then the removals, then the reply.
     *
     * @param typeUrl the response's type
     * @param subscribed false for a type that was never asked for; it is acknowledged and otherwise ignored
     * @param accepted updates
     * @param removed names of resources that are gone, known or not
     * @param rejected resources that were not taken; the reply is then a NACK
     * @param warnings parts of accepted resources that were left out or made stricter
     * @param reply the ACK or NACK
     */
    public record Reception(
            String typeUrl,
            boolean subscribed,
            List<Accepted> accepted,
            List<String> removed,
            List<ConversionFault> rejected,
            List<ConversionFault> warnings,
            DeltaDiscoveryRequest reply) {
        public Reception {
            accepted = List.copyOf(accepted);
            removed = List.copyOf(removed);
            rejected = List.copyOf(rejected);
            warnings = List.copyOf(warnings);
        }
    }
}
