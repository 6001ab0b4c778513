package io.culvert.agent.xds;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.WorkloadUid;
import io.culvert.protocol.xds.ConversionFault;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Gathers changes in the next snapshot and publishes it when its time has come.
 *
 * <p>Runs on: one control thread, the mesh's only writer.
 */
final class MeshWriter {
    private static final System.Logger LOG = System.getLogger(MeshWriter.class.getName());

    private final MeshStore mesh;
    private final Ticker ticker;
    private final PublicationPace pace = new PublicationPace();
    private MeshSnapshot.@Nullable Builder next;
    private final Map<String, Set<String>> rejected = new HashMap<>();
    private boolean urgent;

    MeshWriter(MeshStore mesh, Ticker ticker) {
        this.mesh = mesh;
        this.ticker = ticker;
    }

    private MeshSnapshot.Builder next() {
        MeshSnapshot.Builder builder = next;
        if (builder == null) {
            builder = mesh.current().toBuilder();
            next = builder;
        }
        return builder;
    }

    void upsert(String typeUrl, String name, MeshResource resource, List<ConversionFault> warnings) {
        MeshSnapshot.Builder builder = next();
        switch (resource) {
            case MeshResource.OfWorkload(var workload) -> builder.upsert(workload);
            case MeshResource.OfService(var service) -> builder.upsert(service);
            case MeshResource.OfPolicy(var policy) -> builder.upsert(policy);
        }
        forgetReports(builder, typeUrl, name);
        if (!warnings.isEmpty()) {
            String all = warnings.stream().map(ConversionFault::explanation).collect(Collectors.joining("; "));
            builder.report(new MeshProblem(MeshProblem.Kind.ALTERED_RESOURCE, subject(typeUrl, name), all));
        }
    }

    /** Everything of a type that was rejected is told again, if it is still there. */
    void forgetRejected(String typeUrl) {
        Set<String> subjects = rejected.remove(typeUrl);
        if (subjects != null) {
            subjects.forEach(subject -> next().forgetReports(subject));
        }
    }

    void rejected(String typeUrl, ConversionFault fault) {
        rejected.computeIfAbsent(typeUrl, each -> new HashSet<>()).add(subject(typeUrl, fault.resourceName()));
        next().report(new MeshProblem(
                MeshProblem.Kind.REJECTED_RESOURCE,
                subject(typeUrl, fault.resourceName()),
                "it was not taken, what was known before stays in force: " + fault.explanation()));
    }

    private void forgetReports(MeshSnapshot.Builder builder, String typeUrl, String name) {
        String subject = subject(typeUrl, name);
        builder.forgetReports(subject);
        Set<String> subjects = rejected.get(typeUrl);
        if (subjects != null) {
            subjects.remove(subject);
        }
    }

    /** A name is a workload's uid, or {@code namespace/name} of a service or policy; whatever is known by it goes. */
    void remove(String typeUrl, String name) {
        MeshSnapshot.Builder builder = next();
        forgetReports(builder, typeUrl, name);
        if (typeUrl.equals(MeshResources.AUTHORIZATION_TYPE)) {
            builder.removePolicy(NamespacedName.ofPolicy(name));
            return;
        }
        NamespacedName key = parsed(name);
        if (!name.isEmpty() && name.length() <= WorkloadUid.LENGTH_MAX) {
            builder.remove(new WorkloadUid(name));
        }
        if (key != null) {
            builder.removeService(key);
        }
    }

    private static @Nullable NamespacedName parsed(String name) {
        try {
            return NamespacedName.parse(name);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Services and policies are named alike. */
    private static String subject(String typeUrl, String name) {
        return typeUrl.equals(MeshResources.AUTHORIZATION_TYPE) ? "policy " + name : name;
    }

    /** Every resource of a type was told once. */
    void complete(String typeUrl) {
        if (typeUrl.equals(MeshResources.AUTHORIZATION_TYPE) && !mesh.current().policiesComplete()) {
            next().policiesComplete();
        }
    }

    /** Whether something is gathered that is not published yet. */
    boolean hasPending() {
        return next != null;
    }

    /** Somebody waits for what was gathered. */
    void hurry() {
        urgent = next != null;
    }

    /** How long until what was gathered is to be published; {@link Long#MAX_VALUE} when there is nothing. */
    long waitNanos() {
        if (next == null) {
            return Long.MAX_VALUE;
        }
        return urgent ? 0 : pace.waitNanos(ticker.nanoTime());
    }

    /** Publishes what was gathered, if anything was. */
    void publish() {
        MeshSnapshot.Builder builder = next;
        if (builder == null) {
            return;
        }
        next = null;
        urgent = false;
        long begin = ticker.nanoTime();
        try {
            mesh.publish(builder.build());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "somebody could not be told of a new snapshot of the mesh", e);
        }
        pace.published(begin, ticker.nanoTime());
    }
}
