package io.culvert.agent.mesh;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The workloads of one snapshot, by everything they are looked up by. */
final class WorkloadIndexes {
    /** A workload and what it may prove to be when addressed itself. */
    record Entry(Workload workload, List<SpiffeId> identities) {
        String uid() {
            return workload.uid().value();
        }
    }

    /** A workload of this node, and the policies that judge what comes in to it. */
    record Local(Entry entry, List<Policy> policies) {}

    private static final String POD_MARK = "//Pod/";

    private final String node;
    private final String cluster;
    private final UidIndex byUid;
    private final AddressIndex<Entry> byAddress;
    private final NameIndex<Entry> byHostname;
    private final NameIndex<Local> local;

    /**
     * No workloads. Local are those of a node, or all when its name is empty.
     *
     * @param cluster whose workloads come first among local ones of the same names
     */
    WorkloadIndexes(String node, String cluster) {
        this.node = node;
        this.cluster = cluster;
        this.byUid = new UidIndex();
        this.byAddress = new AddressIndex<>();
        this.byHostname = new NameIndex<>();
        this.local = new NameIndex<>();
    }

    /** A copy, open for writing. */
    WorkloadIndexes(WorkloadIndexes source) {
        this.node = source.node;
        this.cluster = source.cluster;
        this.byUid = new UidIndex(source.byUid);
        this.byAddress = new AddressIndex<>(source.byAddress);
        this.byHostname = new NameIndex<>(source.byHostname);
        this.local = new NameIndex<>(source.local);
    }

    void freeze() {
        byUid.freeze();
        byAddress.freeze();
        byHostname.freeze();
        local.freeze();
    }

    String node() {
        return node;
    }

    int size() {
        return byUid.size();
    }

    boolean isLocal(Workload workload) {
        return node.isEmpty() || node.equals(workload.node());
    }

    @Nullable
    Entry byUid(String uid) {
        return byUid.find(uid);
    }

    @Nullable
    Workload byAddress(String network, IpAddress ip) {
        Link<IpAddress, Entry> link = byAddress.find(network, ip);
        return link == null ? null : link.value().workload();
    }

    @Nullable
    Workload byHostname(String namespace, String hostname) {
        Link<String, Entry> link = byHostname.find(hostname, namespace);
        return link == null ? null : link.value().workload();
    }

    /** Null also where there are several, none of which is nearer: one may have policies that another has not. */
    @Nullable
    Local local(String name, String namespace, String serviceAccount) {
        Link<String, Local> link = withAccount(local.find(name, namespace), serviceAccount);
        Link<String, Local> next = link == null ? null : withAccount(link.next(), serviceAccount);
        return link == null || next != null && nearness(next) == nearness(link) ? null : link.value();
    }

    private static @Nullable Link<String, Local> withAccount(
            @Nullable Link<String, Local> chain, String serviceAccount) {
        Link<String, Local> link = chain;
        while (link != null && !link.value().entry().workload().serviceAccount().equals(serviceAccount)) {
            link = link.next();
        }
        return link;
    }

    private int nearness(Link<String, Local> link) {
        return nearness(link.value().entry().workload());
    }

    /** The record of a local workload; null when it is not local or not the one that is known. */
    @Nullable
    Local local(Workload workload) {
        Link<String, Local> link = local.find(workload.name(), workload.namespace());
        while (link != null && !link.value().entry().workload().uid().equals(workload.uid())) {
            link = link.next();
        }
        return link == null ? null : link.value();
    }

    void forEach(Consumer<Entry> action) {
        byUid.forEach(action);
    }

    void forEachLocal(Consumer<Local> action) {
        local.forEach(head -> {
            for (Link<String, Local> link = head; link != null; link = link.next()) {
                action.accept(link.value());
            }
        });
    }

    /** Adds a workload that is not there. */
    void add(Entry entry, List<Policy> policies) {
        Workload workload = entry.workload();
        byUid.put(entry);
        if (workload.networkMode() == Workload.NetworkMode.STANDARD) {
            for (IpAddress ip : workload.addresses()) {
                addAddress(entry, ip);
            }
        }
        if (!workload.hostname().isEmpty()) {
            byHostname.put(Link.insert(
                    byHostname.find(workload.hostname(), workload.namespace()),
                    workload.hostname(),
                    workload.namespace(),
                    entry,
                    other -> false));
        }
        if (isLocal(workload)) {
            int nearness = nearness(workload);
            local.put(Link.insert(
                    local.find(workload.name(), workload.namespace()),
                    workload.name(),
                    workload.namespace(),
                    new Local(entry, policies),
                    other -> nearness(other.entry().workload()) > nearness));
        }
    }

    /** Removes a workload that is there. */
    void remove(Entry entry) {
        Workload workload = entry.workload();
        byUid.remove(entry);
        for (IpAddress ip : workload.addresses()) {
            Link<IpAddress, Entry> chain = byAddress.find(workload.network(), ip);
            byAddress.replace(chain, Link.without(chain, other -> other.uid().equals(entry.uid())));
        }
        if (!workload.hostname().isEmpty()) {
            Link<String, Entry> chain = byHostname.find(workload.hostname(), workload.namespace());
            byHostname.replace(chain, Link.without(chain, other -> other.uid().equals(entry.uid())));
        }
        if (isLocal(workload)) {
            Link<String, Local> chain = local.find(workload.name(), workload.namespace());
            local.replace(
                    chain, Link.without(chain, other -> other.entry().uid().equals(entry.uid())));
        }
    }

    /** Gives a local workload other policies. */
    void judgeBy(Local before, List<Policy> policies) {
        Workload workload = before.entry().workload();
        Link<String, Local> chain = local.find(workload.name(), workload.namespace());
        Link<String, Local> after =
                Link.exchange(chain, other -> other.equals(before), new Local(before.entry(), policies));
        if (after != null) {
            local.put(after);
        }
    }

    private void addAddress(Entry entry, IpAddress ip) {
        String network = entry.workload().network();
        Link<IpAddress, Entry> chain = byAddress.find(network, ip);
        for (Link<IpAddress, Entry> link = chain; link != null; link = link.next()) {
            if (link.value().uid().equals(entry.uid())) {
                return;
            }
        }
        int rank = rank(entry.workload());
        byAddress.put(Link.insert(chain, ip, network, entry, other -> rank(other.workload()) > rank));
    }

    /** What is of our own cluster before what is of others, whose nodes may be called as ours is; then pods before other workloads. */
    private int nearness(Workload workload) {
        return (workload.clusterId().equals(cluster) ? 2 : 0)
                + (workload.uid().value().contains(POD_MARK) ? 1 : 0);
    }

    /** Pods before other workloads, then HBONE before plain TCP. */
    private static int rank(Workload workload) {
        return (workload.uid().value().contains(POD_MARK) ? 2 : 0)
                + (workload.tunnelProtocol() == Workload.TunnelProtocol.HBONE ? 1 : 0);
    }
}
