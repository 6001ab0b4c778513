package io.culvert.agent.mesh;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of the mesh at one moment: workloads, services, policies, and what follows from them for a connection.
 *
 * <p>Runs on: any; immutable. Lookups by key allocate nothing and take the same time however large the mesh is.
 *
 * <p>Bounds: about 500 bytes a workload. The next snapshot shares all but what changed: see {@link Builder}.
 */
public final class MeshSnapshot {
    /** Nothing is known, not even which policies there are, so nothing may come in. Every node's workloads are local. */
    public static final MeshSnapshot EMPTY = empty("");

    private final long version;
    private final WorkloadIndexes workloads;
    private final ServiceIndexes services;
    private final PolicyIndex policies;
    private final Problems problems;
    private final Interner interner;

    MeshSnapshot(
            long version,
            WorkloadIndexes workloads,
            ServiceIndexes services,
            PolicyIndex policies,
            Problems problems,
            Interner interner) {
        this.version = version;
        this.workloads = workloads;
        this.services = services;
        this.policies = policies;
        this.problems = problems;
        this.interner = interner;
    }

    /** Like {@link #EMPTY}, but only one node's workloads will be local; with an empty name those of all nodes. */
    public static MeshSnapshot empty(String node) {
        return empty(node, "");
    }

    /** As {@link #empty(String)}; other clusters may have a node of this name too, whose workloads come after this cluster's. */
    public static MeshSnapshot empty(String node, String cluster) {
        WorkloadIndexes workloads = new WorkloadIndexes(node, cluster);
        workloads.freeze();
        ServiceIndexes services = new ServiceIndexes();
        services.freeze();
        return new MeshSnapshot(0, workloads, services, PolicyIndex.EMPTY, Problems.NONE, new Interner());
    }

    /** Builds the next snapshot from this one. Runs on: the writer's thread. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Grows by one with every snapshot built from another. */
    public long version() {
        return version;
    }

    /** The node whose workloads are local, empty for all. */
    public String node() {
        return workloads.node();
    }

    public @Nullable Workload workload(WorkloadUid uid) {
        WorkloadIndexes.Entry entry = workloads.byUid(uid.value());
        return entry == null ? null : entry.workload();
    }

    /**
     * The workload that owns an address: of several a pod before others, then one with HBONE, then the latest. Workloads on the
     * node's network own no address.
     */
    public @Nullable Workload workloadByAddress(String network, IpAddress ip) {
        return workloads.byAddress(network, ip);
    }

    /** The workload that carries a hostname within a namespace. */
    public @Nullable Workload workloadByHostname(NamespacedName hostname) {
        return workloads.byHostname(hostname.namespace(), hostname.name());
    }

    /**
     * The workload of this node with these names, as a pod's enrolment gives them: of several one of our own cluster, then a pod.
     * Null where that leaves more than one, for it cannot be told whose policies judge the pod.
     */
    public @Nullable Workload localWorkload(String name, String namespace, String serviceAccount) {
        WorkloadIndexes.Local local = workloads.local(name, namespace, serviceAccount);
        return local == null ? null : local.entry().workload();
    }

    public boolean isLocal(Workload workload) {
        return workloads.isLocal(workload);
    }

    /**
     * The service behind a virtual address: an exact address before a range; of several the client's namespace, then a
     * canonical one, then the oldest; of ranges the client's namespace, then the longest.
     *
     * @param clientNamespace who asks; null for somebody to whom every service is visible
     */
    public @Nullable Service serviceByVip(String network, IpAddress ip, @Nullable String clientNamespace) {
        return services.byVip(network, ip, clientNamespace);
    }

    /** The service of a hostname, chosen as {@link #serviceByVip} chooses. */
    public @Nullable Service serviceByHost(String hostname, @Nullable String clientNamespace) {
        return services.byHost(hostname, clientNamespace);
    }

    /** A new list of the services of a hostname, whoever may see them: one of each namespace, the oldest first. */
    public List<Service> servicesByHost(String hostname) {
        return services.allByHost(hostname);
    }

    public @Nullable Service service(NamespacedName key) {
        ServiceIndexes.Entry entry = services.entry(key.namespace(), key.name());
        return entry == null ? null : entry.service();
    }

    /** The endpoints that a service's health policy admits. */
    public Endpoints endpoints(Service service) {
        ServiceIndexes.Entry entry = services.entry(service.namespace(), service.hostname());
        return entry == null || entry.service() == null ? Endpoints.NONE : entry.usable();
    }

    /**
     * What a workload may prove to be, reached through a service or (null) addressed itself. The same list each time, so that
     * comparing it is cheap. An empty list means that nothing it could prove is acceptable.
     */
    public List<SpiffeId> expectedIdentities(@Nullable Service service, Workload workload) {
        WorkloadIndexes.Entry entry = workloads.byUid(workload.uid().value());
        if (entry == null) {
            return List.of();
        }
        if (service == null) {
            return entry.identities();
        }
        ServiceIndexes.Entry of = services.entry(service.namespace(), service.hostname());
        Endpoint endpoint = of == null ? null : of.all().of(workload.uid());
        return endpoint == null ? List.of() : endpoint.identities();
    }

    /** The further identities of a service, which alone are acceptable at the far end of a double tunnel. */
    public List<SpiffeId> serviceIdentities(Service service) {
        ServiceIndexes.Entry entry = services.entry(service.namespace(), service.hostname());
        return entry == null ? List.of() : entry.identities();
    }

    /**
     * The policies that judge what comes in to a workload: global ones, those of its namespace, those that select it. Until it
     * is known which policies there are, one that denies everything.
     */
    public List<Policy> policiesFor(Workload workload) {
        if (!workload.authorizationPolicies().isEmpty()) {
            WorkloadIndexes.Local local = workloads.local(workload);
            if (local != null
                    && local.entry().workload().authorizationPolicies().equals(workload.authorizationPolicies())) {
                return local.policies();
            }
        }
        return policies.applyingTo(workload);
    }

    /** Whether it is known which policies there are. */
    public boolean policiesComplete() {
        return policies.complete();
    }

    public @Nullable Policy policy(NamespacedName key) {
        return policies.policy(key);
    }

    public int workloadCount() {
        return workloads.size();
    }

    public int serviceCount() {
        return services.size();
    }

    /** A new list of all workloads, in no order. */
    public List<Workload> workloads() {
        List<Workload> all = new ArrayList<>(workloads.size());
        workloads.forEach(entry -> all.add(entry.workload()));
        return all;
    }

    /** A new list of this node's workloads, in no order. */
    public List<Workload> localWorkloads() {
        List<Workload> all = new ArrayList<>();
        workloads.forEachLocal(local -> all.add(local.entry().workload()));
        return all;
    }

    /** A new list of all services, in no order. */
    public List<Service> services() {
        List<Service> all = new ArrayList<>(services.size());
        services.forEach(all::add);
        return all;
    }

    /** All policies, in no order. */
    public Collection<Policy> policies() {
        return policies.all();
    }

    /** What in the records could not be honoured. */
    public List<MeshProblem> problems() {
        return problems.all();
    }

    /** The same content under another version. */
    MeshSnapshot withVersion(long newVersion) {
        return new MeshSnapshot(newVersion, workloads, services, policies, problems, interner);
    }

    /**
     * Builds the next snapshot. A resource that is put again replaces the one of the same key; one that equals what is known
     * changes nothing.
     *
     * <p>Runs on: the writer's thread, for one snapshot. Bounds: besides the records put, a snapshot with few changes copies
     * the chunk directories (a few bytes per 100 workloads), the chunks it writes to, and the endpoint arrays of the services
     * it touches. Errors: none for what a record says; what cannot be honoured is a {@link MeshProblem}.
     */
    public static final class Builder {
        private final SnapshotChange change;

        private Builder(MeshSnapshot base) {
            Interner interner = base.workloads.size() == 0 ? new Interner() : base.interner;
            this.change = new SnapshotChange(
                    base.version,
                    new WorkloadIndexes(base.workloads),
                    new ServiceIndexes(base.services),
                    base.policies,
                    base.problems,
                    interner);
        }

        public Builder upsert(Workload workload) {
            change.upsert(workload);
            return this;
        }

        public Builder upsert(Service service) {
            change.upsert(service);
            return this;
        }

        public Builder upsert(Policy policy) {
            change.upsert(policy);
            return this;
        }

        public Builder remove(WorkloadUid uid) {
            change.remove(uid);
            return this;
        }

        /** Removes a service; its endpoints wait for it to come back. */
        public Builder removeService(NamespacedName key) {
            change.removeService(key);
            return this;
        }

        public Builder removePolicy(NamespacedName key) {
            change.removePolicy(key);
            return this;
        }

        /** Notes something that is wrong with a resource, in place of what was noted of it before. */
        public Builder report(MeshProblem problem) {
            change.forgetReports(problem.subject());
            change.report(problem);
            return this;
        }

        /** Nothing is wrong with a resource any more, as far as {@link #report} told. */
        public Builder forgetReports(String subject) {
            change.forgetReports(subject);
            return this;
        }

        /** From now on it is known which policies there are: a policy that is not there does not exist. */
        public Builder policiesComplete() {
            change.policiesComplete();
            return this;
        }

        /** Makes these all the workloads there are. */
        public Builder workloads(Collection<Workload> all) {
            change.workloads(all);
            return this;
        }

        /** Makes these all the services there are. */
        public Builder services(Collection<Service> all) {
            change.services(all);
            return this;
        }

        /** Makes these all the policies there are, and {@link #policiesComplete}. */
        public Builder policies(Collection<Policy> all) {
            change.policies(all);
            return this;
        }

        /** The next snapshot; the builder is of no further use. */
        public MeshSnapshot build() {
            return change.build();
        }
    }
}
