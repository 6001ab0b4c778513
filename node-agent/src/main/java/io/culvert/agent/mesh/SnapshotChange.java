package io.culvert.agent.mesh;

import io.culvert.agent.mesh.MeshProblem.Kind;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The work behind {@link MeshSnapshot.Builder}. Endpoints are gathered per service and merged once, at the end. */
final class SnapshotChange {
    private static final Comparator<Endpoint> BY_UID =
            Comparator.comparing(endpoint -> endpoint.workload().uid());

    /** What changes behind one service. */
    private static final class Touched {
        /** The service itself changed, so what its endpoints may prove has to be found anew. */
        private boolean service;
        /** By uid: the endpoint as it is now, null when it is none any more. */
        private final Map<String, WorkloadIndexes.@Nullable Entry> endpoints = new HashMap<>();
    }

    private final long baseVersion;
    private final WorkloadIndexes workloads;
    private final ServiceIndexes services;
    private final PolicyIndex basePolicies;
    private final Problems.Change problems;
    private final Interner interner;
    private final LeanRecords lean;
    private final Map<NamespacedName, Touched> touched = new LinkedHashMap<>();
    private @Nullable Map<NamespacedName, Policy> policies;
    private boolean policiesComplete;
    private boolean localsChanged;
    private boolean built;

    SnapshotChange(
            long baseVersion,
            WorkloadIndexes workloads,
            ServiceIndexes services,
            PolicyIndex policies,
            Problems problems,
            Interner interner) {
        this.baseVersion = baseVersion;
        this.workloads = workloads;
        this.services = services;
        this.basePolicies = policies;
        this.policiesComplete = policies.complete();
        this.problems = new Problems.Change(problems);
        this.interner = interner;
        this.lean = new LeanRecords(interner);
    }

    void upsert(Workload workload) {
        requireOpen();
        String uid = workload.uid().value();
        WorkloadIndexes.Entry before = workloads.byUid(uid);
        if (before != null && before.workload().equals(workload)) {
            return;
        }
        if (before != null) {
            drop(before);
        }
        interner.expect(workloads.size() + 1);
        Workload kept = lean.workload(workload);
        WorkloadIndexes.Entry entry = new WorkloadIndexes.Entry(kept, identities(kept));
        // Their policies are found at the end, when it is known which there are.
        workloads.add(entry, PolicyIndex.DENY_ALL);
        localsChanged |= workloads.isLocal(kept);
        kept.services().forEach((key, ports) -> touch(key).endpoints.put(uid, entry));
    }

    void remove(WorkloadUid uid) {
        requireOpen();
        WorkloadIndexes.Entry before = workloads.byUid(uid.value());
        if (before != null) {
            drop(before);
        }
    }

    void upsert(Service service) {
        requireOpen();
        ServiceIndexes.Entry before = services.entry(service.namespace(), service.hostname());
        if (before != null && service.equals(before.service())) {
            return;
        }
        Endpoints all = before == null ? Endpoints.NONE : before.all();
        services.put(new ServiceIndexes.Entry(
                interner.same(service.namespace()), service.hostname(), service, identities(service), all, all));
        touch(service.key()).service = true;
    }

    void removeService(NamespacedName key) {
        requireOpen();
        ServiceIndexes.Entry before = services.entry(key.namespace(), key.name());
        if (before == null || before.service() == null) {
            return;
        }
        services.put(new ServiceIndexes.Entry(
                before.namespace(), before.hostname(), null, List.of(), before.all(), before.all()));
        problems.clear(Kind.SERVICE_IDENTITY, key.toString());
        touch(key).service = true;
    }

    void upsert(Policy policy) {
        requireOpen();
        ownPolicies().put(policy.key(), policy);
    }

    void removePolicy(NamespacedName key) {
        requireOpen();
        ownPolicies().remove(key);
    }

    void report(MeshProblem problem) {
        requireOpen();
        problems.report(problem.kind(), problem.subject(), problem.sentence());
    }

    void forgetReports(String subject) {
        requireOpen();
        problems.clear(Kind.REJECTED_RESOURCE, subject);
        problems.clear(Kind.ALTERED_RESOURCE, subject);
    }

    void policiesComplete() {
        requireOpen();
        policiesComplete = true;
    }

    void workloads(Collection<Workload> all) {
        Set<String> wanted = new HashSet<>();
        for (Workload workload : all) {
            upsert(workload);
            wanted.add(workload.uid().value());
        }
        List<WorkloadIndexes.Entry> unwanted = new ArrayList<>();
        workloads.forEach(entry -> {
            if (!wanted.contains(entry.uid())) {
                unwanted.add(entry);
            }
        });
        unwanted.forEach(this::drop);
    }

    void services(Collection<Service> all) {
        Set<NamespacedName> wanted = new HashSet<>();
        for (Service service : all) {
            upsert(service);
            wanted.add(service.key());
        }
        List<NamespacedName> unwanted = new ArrayList<>();
        services.forEach(service -> {
            if (!wanted.contains(service.key())) {
                unwanted.add(service.key());
            }
        });
        unwanted.forEach(this::removeService);
    }

    void policies(Collection<Policy> all) {
        requireOpen();
        Map<NamespacedName, Policy> wanted = new HashMap<>();
        all.forEach(policy -> wanted.put(policy.key(), policy));
        policiesComplete = true;
        if (!wanted.equals(policies == null ? basePolicies.byKey() : policies)) {
            policies = wanted;
        }
    }

    MeshSnapshot build() {
        requireOpen();
        built = true;
        touched.forEach(this::mergeEndpoints);
        touched.clear();
        PolicyIndex judging = judging();
        if (judging != basePolicies || localsChanged) {
            judgeLocals(judging);
        }
        workloads.freeze();
        services.freeze();
        return new MeshSnapshot(baseVersion + 1, workloads, services, judging, problems.done(), interner);
    }

    private void drop(WorkloadIndexes.Entry entry) {
        workloads.remove(entry);
        localsChanged |= workloads.isLocal(entry.workload());
        problems.clear(Kind.WORKLOAD_IDENTITY, entry.uid());
        entry.workload().services().forEach((key, ports) -> touch(key).endpoints.put(entry.uid(), null));
    }

    private Touched touch(NamespacedName service) {
        return touched.computeIfAbsent(service, key -> new Touched());
    }

    private List<SpiffeId> identities(Workload workload) {
        try {
            return lean.identity(workload.identity());
        } catch (IllegalArgumentException e) {
            problems.report(
                    Kind.WORKLOAD_IDENTITY,
                    workload.uid().value(),
                    "it has no SPIFFE id, so no tunnel to it is opened: " + e.getMessage());
            return List.of();
        }
    }

    private List<SpiffeId> identities(Service service) {
        String subject = service.key().toString();
        problems.clear(Kind.SERVICE_IDENTITY, subject);
        List<SpiffeId> identities = new ArrayList<>();
        for (int i = 0; i < service.subjectAltNames().size(); i++) {
            try {
                identities.add(
                        interner.same(SpiffeId.parse(service.subjectAltNames().get(i))));
            } catch (IllegalArgumentException e) {
                problems.report(
                        Kind.SERVICE_IDENTITY,
                        subject,
                        "its subject alternative name number " + (i + 1) + " is ignored: " + e.getMessage());
            }
        }
        return identities.isEmpty() ? List.of() : interner.same(List.copyOf(identities));
    }

    private void mergeEndpoints(NamespacedName key, Touched changes) {
        ServiceIndexes.Entry before = services.entry(key.namespace(), key.name());
        List<SpiffeId> ofService = before == null ? List.of() : before.identities();
        List<Endpoint> all = new ArrayList<>();
        if (before != null) {
            for (Endpoint endpoint : before.all()) {
                if (!changes.endpoints.containsKey(endpoint.workload().uid().value())) {
                    all.add(changes.service ? endpoint(endpoint.workload(), endpoint.ports(), ofService) : endpoint);
                }
            }
        }
        for (WorkloadIndexes.Entry entry : changes.endpoints.values()) {
            PortMap ports = entry == null ? null : entry.workload().services().get(key);
            if (entry != null && ports != null) {
                all.add(endpoint(entry.workload(), ports, ofService));
            }
        }
        all.sort(BY_UID);
        Service service = before == null ? null : before.service();
        Endpoints endpoints = all.isEmpty() ? Endpoints.NONE : new Endpoints(all);
        services.put(new ServiceIndexes.Entry(
                interner.same(key.namespace()),
                before == null ? key.name() : before.hostname(),
                service,
                ofService,
                endpoints,
                usable(service, endpoints)));
    }

    private Endpoint endpoint(Workload workload, PortMap ports, List<SpiffeId> ofService) {
        WorkloadIndexes.Entry entry = workloads.byUid(workload.uid().value());
        List<SpiffeId> own = entry == null ? List.of() : entry.identities();
        return new Endpoint(workload, ports, lean.identities(ofService, own));
    }

    private static Endpoints usable(@Nullable Service service, Endpoints all) {
        LoadBalancing balancing = service == null ? null : service.loadBalancing();
        if (balancing != null && balancing.healthPolicy() == LoadBalancing.HealthPolicy.ALLOW_ALL) {
            return all;
        }
        List<Endpoint> healthy = new ArrayList<>(all.size());
        for (Endpoint endpoint : all) {
            if (endpoint.workload().status() == Workload.Health.HEALTHY) {
                healthy.add(endpoint);
            }
        }
        return healthy.size() == all.size() ? all : new Endpoints(healthy);
    }

    private PolicyIndex judging() {
        if (policies == null && policiesComplete == basePolicies.complete()) {
            return basePolicies;
        }
        return new PolicyIndex(policies == null ? basePolicies.byKey() : policies, policiesComplete);
    }

    private void judgeLocals(PolicyIndex judging) {
        problems.forgetPolicies();
        List<WorkloadIndexes.Local> locals = new ArrayList<>();
        workloads.forEachLocal(locals::add);
        for (WorkloadIndexes.Local local : locals) {
            Workload workload = local.entry().workload();
            List<Policy> applying = judging.applyingTo(workload);
            if (!applying.equals(local.policies())) {
                workloads.judgeBy(local, interner.same(applying));
            }
            for (NamespacedName name : workload.authorizationPolicies()) {
                if (judging.complete() && judging.policy(name) == null) {
                    problems.reportPolicy(
                            name.toString(),
                            "it selects workload " + workload.uid() + " but is not known, so it does not judge it");
                }
            }
        }
    }

    private Map<NamespacedName, Policy> ownPolicies() {
        Map<NamespacedName, Policy> own = policies;
        if (own == null) {
            own = new HashMap<>(basePolicies.byKey());
            policies = own;
        }
        return own;
    }

    private void requireOpen() {
        if (built) {
            throw new IllegalStateException("the snapshot is built already");
        }
    }
}
