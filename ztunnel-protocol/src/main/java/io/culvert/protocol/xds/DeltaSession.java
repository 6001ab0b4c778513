package io.culvert.protocol.xds;

import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.discovery.Status;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The client's half of delta xDS: what to ask, what to answer, and what of a response to take.
 *
 * <p>It outlives streams. What was taken is remembered by name and version, and told at the start of the next stream, so
 * that only differences are sent. A resource whose newest version was rejected, while an older one is in force, is told
 * with an empty version: the sender repeats it, and still says when it is gone. One that never was taken is not told.
 *
 * <p>Of a type on demand nothing is sent but what was asked for by name, which stays subscribed to: what there is not now is
 * told once it comes. It is asked for again on the next stream. Of names of which there is nothing the latest are kept, {@link
 * #takeForgotten} withdraws the others.
 *
 * <p>Runs on: one thread at a time. Bounds: a NACK's text at most 4,096 characters; {@link #DEMANDS_MAX} unanswered names,
 * {@link #ABSENT_MAX} of which there is nothing.
 *
 * <p>Source: the xDS protocol's "Incremental xDS", and observed control planes.
 */
public final class DeltaSession {
    static final int NACK_LENGTH_MAX = 4_096;
    /** How many names of one type may be asked for and not answered yet. */
    public static final int DEMANDS_MAX = 10_000;
    /** Of how many names of one type it is kept in mind that there is nothing. */
    public static final int ABSENT_MAX = 10_000;

    private static final int FAULTS_KEPT_MAX = 64;
    private static final String ALL = "*";

    /** What is held of one type. */
    private static final class Held {
        private final boolean onDemand;
        private final Map<String, String> versions = new HashMap<>();
        private final Set<String> demanded = new LinkedHashSet<>();
        /** Asked for, and there is nothing of that name; eldest first. */
        private final Set<String> absent = new LinkedHashSet<>();
        /** By which names each was asked for that there is. */
        private final Map<String, Set<String>> askedBy = new HashMap<>();
        /** The same, the other way round. */
        private final Map<String, String> present = new HashMap<>();

        private final List<String> forgotten = new ArrayList<>();
        private boolean opening;

        private Held(boolean onDemand) {
            this.onDemand = onDemand;
        }

        private boolean isAnswered(String name) {
            return absent.contains(name) || present.containsKey(name);
        }

        /** There is a resource that is called so, by its own name or another. */
        private void there(String name, String resource) {
            if (demanded.remove(name) || absent.remove(name)) {
                present.put(name, resource);
                askedBy.computeIfAbsent(resource, each -> new HashSet<>(2)).add(name);
            }
        }

        private void gone(String name) {
            versions.remove(name);
            Set<String> names = askedBy.remove(name);
            if (names != null) {
                names.forEach(each -> present.remove(each, name));
                absent.addAll(names);
            }
            if (demanded.remove(name)) {
                absent.add(name);
            }
            while (absent.size() > ABSENT_MAX) {
                String eldest = absent.iterator().next();
                absent.remove(eldest);
                forgotten.add(eldest);
            }
        }

        /** What is subscribed to by name beside what is held. */
        private void addNames(DeltaDiscoveryRequest.Builder request) {
            demanded.forEach(name -> request.putInitialResourceVersions(name, ""));
            absent.forEach(name -> request.putInitialResourceVersions(name, ""));
            present.keySet().forEach(name -> request.putInitialResourceVersions(name, ""));
        }
    }

    private final Node node;
    private final Map<String, Held> types = new LinkedHashMap<>();
    private final Set<String> awaited = new LinkedHashSet<>();

    /**
     * A session that holds nothing yet.
     *
     * @param node who we are
     * @param typeUrls every resource of these types is wanted; asked for in this order
     */
    public DeltaSession(Node node, List<String> typeUrls) {
        this(node, typeUrls, Set.of());
    }

    /**
     * A session that holds nothing yet.
     *
     * @param node who we are
     * @param typeUrls the types, asked for in this order
     * @param onDemand those of them whose resources are wanted only by name
     */
    public DeltaSession(Node node, List<String> typeUrls, Set<String> onDemand) {
        this.node = node;
        for (String typeUrl : typeUrls) {
            types.put(typeUrl, new Held(onDemand.contains(typeUrl)));
            if (!onDemand.contains(typeUrl)) {
                awaited.add(typeUrl);
            }
        }
    }

    /** Opens a stream: the requests to send first. */
    public List<DeltaDiscoveryRequest> open() {
        List<DeltaDiscoveryRequest> requests = new ArrayList<>(types.size());
        types.forEach((typeUrl, held) -> {
            var request = DeltaDiscoveryRequest.newBuilder().setNode(node).setTypeUrl(typeUrl);
            if (held.onDemand) {
                // Subscribed to and from everything at once: to nothing.
                request.addResourceNamesSubscribe(ALL).addResourceNamesUnsubscribe(ALL);
            }
            held.opening = true;
            held.forgotten.clear();
            held.addNames(request);
            requests.add(request.putAllInitialResourceVersions(held.versions).build());
        });
        return requests;
    }

    /** Whether it is known of a name whether there is such a resource, because it was asked for and answered. */
    public boolean isAnswered(String typeUrl, String name) {
        Held held = types.get(typeUrl);
        return held != null && held.isAnswered(name);
    }

    /** Whether there was nothing of a name when it was asked for, and has not been since. */
    public boolean isAbsent(String typeUrl, String name) {
        Held held = types.get(typeUrl);
        return held != null && held.absent.contains(name);
    }

    /** Withdraws what was asked for long ago and was not there: what to send if a stream is open. Empty when there is nothing. */
    public Optional<DeltaDiscoveryRequest> takeForgotten(String typeUrl) {
        Held held = types.get(typeUrl);
        if (held == null || held.forgotten.isEmpty()) {
            return Optional.empty();
        }
        var request = DeltaDiscoveryRequest.newBuilder().setTypeUrl(typeUrl);
        held.forgotten.stream()
                .filter(name -> !held.demanded.contains(name))
                .forEach(request::addResourceNamesUnsubscribe);
        held.forgotten.clear();
        return Optional.of(request.build());
    }

    /**
     * Asks for one resource of a type that is on demand: what to send if a stream is open; otherwise the next one asks.
     * Empty when it is asked for or answered already, or too many are.
     */
    public Optional<DeltaDiscoveryRequest> demand(String typeUrl, String name) {
        Held held = types.get(typeUrl);
        if (held == null
                || !held.onDemand
                || held.isAnswered(name)
                || held.demanded.size() >= DEMANDS_MAX
                || !held.demanded.add(name)) {
            return Optional.empty();
        }
        return Optional.of(DeltaDiscoveryRequest.newBuilder()
                .setTypeUrl(typeUrl)
                .addResourceNamesSubscribe(name)
                .build());
    }

    /** Begins to take one response, resource by resource; the caller applies each and then sends the reply. */
    public Intake take(String typeUrl, String nonce) {
        return new Intake(typeUrl, nonce);
    }

    /** Takes one response as a whole; the caller applies it and then sends its reply. */
    public Reception receive(DeltaDiscoveryResponse response) {
        Intake intake = take(response.getTypeUrl(), response.getNonce());
        List<Accepted> accepted = new ArrayList<>();
        List<ConversionFault> rejected = new ArrayList<>();
        List<ConversionFault> warnings = new ArrayList<>();
        if (intake.isSubscribed()) {
            for (Resource resource : response.getResourcesList()) {
                switch (intake.resource(resource)) {
                    case Converted.Taken<MeshResource>(var value, var found) -> {
                        accepted.add(new Accepted(resource.getName(), value));
                        warnings.addAll(found);
                    }
                    case Converted.Rejected<MeshResource>(var fault) -> rejected.add(fault);
                }
            }
            response.getRemovedResourcesList().forEach(intake::removed);
        }
        return new Reception(
                response.getTypeUrl(),
                intake.isSubscribed(),
                accepted,
                intake.isSubscribed() ? response.getRemovedResourcesList() : List.of(),
                rejected,
                warnings,
                intake.reply());
    }

    /**
     * Whether every type that is wanted whole had a first response, even one that was rejected in part: a single bad resource
     * must not keep a node from starting.
     */
    public boolean isSynced() {
        return awaited.isEmpty();
    }

    /** The types that are wanted whole and had no response yet. */
    public Set<String> awaited() {
        return Set.copyOf(awaited);
    }

    /** How many resources of a type are held. */
    public int held(String typeUrl) {
        Held held = types.get(typeUrl);
        return held == null ? 0 : held.versions.size();
    }

    /** One response being taken: its resources in their order, then its removals, then the reply. */
    public final class Intake {
        private final String typeUrl;
        private final String nonce;
        private final @Nullable Held held;
        private final List<ConversionFault> rejected = new ArrayList<>();
        private int rejectedCount;

        private Intake(String typeUrl, String nonce) {
            this.typeUrl = typeUrl;
            this.nonce = nonce;
            this.held = types.get(typeUrl);
        }

        /** False for a type that was never asked for; it is acknowledged and otherwise ignored. */
        public boolean isSubscribed() {
            return held != null;
        }

        /**
         * Whether it is a stream's first of a type that is wanted whole: what was rejected before and is not in it is gone,
         * since the sender was not told of it.
         */
        public boolean repeatsRejected() {
            return held != null && held.opening && !held.onDemand;
        }

        /** Takes a resource, or does not. */
        public Converted<MeshResource> resource(Resource wire) {
            return converted(wire, MeshResources.decode(typeUrl, wire));
        }

        /** Takes a policy that was too large to be read, by its strictest reading. */
        public Converted<MeshResource> headOfPolicy(Resource head) {
            return converted(head, MeshResources.decodeHead(head));
        }

        private Converted<MeshResource> converted(Resource wire, Converted<MeshResource> converted) {
            switch (converted) {
                case Converted.Taken<MeshResource>(var value, var warnings) -> took(wire, value.resourceName());
                case Converted.Rejected<MeshResource>(var fault) -> reject(wire.getName(), fault);
            }
            if (held != null && held.onDemand) {
                held.there(wire.getName(), wire.getName());
                wire.getAliasesList().forEach(alias -> held.there(alias, wire.getName()));
            }
            return converted;
        }

        private void took(Resource wire, String ownName) {
            if (held != null) {
                // The record's own text where it is the same: it is kept anyway.
                String name = ownName.equals(wire.getName()) ? ownName : wire.getName();
                held.versions.put(name, wire.getVersion());
            }
        }

        /** Counts a resource that could not even be read as one. */
        public void unreadable(ConversionFault fault) {
            reject(fault.resourceName(), fault);
        }

        private void reject(String name, ConversionFault fault) {
            rejectedCount++;
            if (rejected.size() < FAULTS_KEPT_MAX) {
                rejected.add(fault);
            }
            if (held != null) {
                held.versions.computeIfPresent(name, (each, older) -> "");
            }
        }

        /** Takes the news that a resource is gone, known or not. */
        public void removed(String name) {
            if (held != null) {
                held.gone(name);
            }
        }

        /** How many resources were not taken. */
        public int rejectedCount() {
            return rejectedCount;
        }

        /** Ends the response: the ACK, or the NACK when a resource was not taken. */
        public DeltaDiscoveryRequest reply() {
            awaited.remove(typeUrl);
            if (held != null) {
                held.opening = false;
            }
            var reply = DeltaDiscoveryRequest.newBuilder().setTypeUrl(typeUrl).setResponseNonce(nonce);
            if (rejectedCount > 0) {
                reply.setErrorDetail(Status.newBuilder().setMessage(explain(rejected, rejectedCount)));
            }
            return reply.build();
        }
    }

    private static String explain(Collection<ConversionFault> faults, int count) {
        StringBuilder out = new StringBuilder();
        int told = 0;
        for (ConversionFault fault : faults) {
            String next = (told == 0 ? "" : "; ") + fault;
            String rest = "; and " + (count - told) + " more";
            if (out.length() + next.length() + rest.length() > NACK_LENGTH_MAX) {
                break;
            }
            out.append(next);
            told++;
        }
        return told == count
                ? out.toString()
                : out.append("; and " + (count - told) + " more").toString();
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
