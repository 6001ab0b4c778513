package io.culvert.agent.mesh;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The services of one snapshot and their endpoints, by everything they are looked up by. */
final class ServiceIndexes {
    /**
     * A service and its endpoints, or the endpoints that wait for their service.
     *
     * @param namespace the service's namespace
     * @param hostname the service's hostname
     * @param service null while only endpoints are known
     * @param identities the service's further identities
     * @param all every endpoint
     * @param usable those that the service's health policy admits
     */
    record Entry(
            String namespace,
            String hostname,
            @Nullable Service service,
            List<SpiffeId> identities,
            Endpoints all,
            Endpoints usable) {
        boolean isEmpty() {
            return service == null && all.isEmpty();
        }
    }

    private final NameIndex<Entry> byHost;
    private final AddressIndex<Service> byVip;
    private final CidrIndex byCidr;
    private int size;

    ServiceIndexes() {
        this.byHost = new NameIndex<>();
        this.byVip = new AddressIndex<>();
        this.byCidr = new CidrIndex();
    }

    /** A copy, open for writing. */
    ServiceIndexes(ServiceIndexes source) {
        this.byHost = new NameIndex<>(source.byHost);
        this.byVip = new AddressIndex<>(source.byVip);
        this.byCidr = new CidrIndex(source.byCidr);
        this.size = source.size;
    }

    void freeze() {
        byHost.freeze();
        byVip.freeze();
        byCidr.freeze();
    }

    int size() {
        return size;
    }

    @Nullable
    Entry entry(String namespace, String hostname) {
        Link<String, Entry> link = byHost.find(hostname, "");
        while (link != null && !link.value().namespace().equals(namespace)) {
            link = link.next();
        }
        return link == null ? null : link.value();
    }

    /** The best visible service at an exact virtual address, else in a range. */
    @Nullable
    Service byVip(String network, IpAddress ip, @Nullable String clientNamespace) {
        Service exact = best(byVip.find(network, ip), clientNamespace);
        return exact != null ? exact : byCidr.find(network, ip, clientNamespace);
    }

    /** The best visible service of a hostname. */
    @Nullable
    Service byHost(String hostname, @Nullable String clientNamespace) {
        Service best = null;
        for (Link<String, Entry> link = byHost.find(hostname, ""); link != null; link = link.next()) {
            best = better(best, link.value().service(), clientNamespace);
        }
        return best;
    }

    /** The services of a hostname, the oldest first. */
    List<Service> allByHost(String hostname) {
        Link<String, Entry> link = byHost.find(hostname, "");
        if (link == null) {
            return List.of();
        }
        List<Service> all = new ArrayList<>();
        for (; link != null; link = link.next()) {
            Service service = link.value().service();
            if (service != null) {
                all.addFirst(service);
            }
        }
        return all;
    }

    void forEach(Consumer<Service> action) {
        byHost.forEach(head -> {
            for (Link<String, Entry> link = head; link != null; link = link.next()) {
                Service service = link.value().service();
                if (service != null) {
                    action.accept(service);
                }
            }
        });
    }

    /** Puts an entry in place of the one of the same key; a service that was not there before comes last. */
    void put(Entry entry) {
        Entry before = entry(entry.namespace(), entry.hostname());
        Service service = before == null ? null : before.service();
        index(service, entry.service());
        size += (entry.service() == null ? 0 : 1) - (service == null ? 0 : 1);
        Link<String, Entry> chain = byHost.find(entry.hostname(), "");
        if (before != null && (service != null) == (entry.service() != null) && !entry.isEmpty()) {
            byHost.replace(chain, Link.exchange(chain, before::equals, entry));
            return;
        }
        Link<String, Entry> rest = Link.without(chain, other -> other.equals(before));
        byHost.replace(chain, entry.isEmpty() ? rest : Link.insert(rest, entry.hostname(), "", entry, other -> false));
    }

    private void index(@Nullable Service before, @Nullable Service after) {
        if (before != null && before.equals(after)) {
            return;
        }
        if (before != null) {
            for (NetworkAddress vip : before.vips()) {
                if (after == null || !after.vips().contains(vip)) {
                    replace(byVip, vip.network(), vip.ip(), before, null);
                }
            }
            for (Service.NetworkCidr range : before.cidrVips()) {
                if (after == null || !after.cidrVips().contains(range)) {
                    byCidr.replace(range, before, null);
                }
            }
        }
        if (after != null) {
            after.vips().forEach(vip -> replace(byVip, vip.network(), vip.ip(), before, after));
            after.cidrVips().forEach(range -> byCidr.replace(range, before, after));
        }
    }

    /** Exchanges a service under one address, in place where it was there before. Newest first. */
    static void replace(
            AddressIndex<Service> index,
            String network,
            IpAddress ip,
            @Nullable Service before,
            @Nullable Service after) {
        Link<IpAddress, Service> chain = index.find(network, ip);
        if (after == null) {
            index.replace(chain, Link.without(chain, other -> other.equals(before)));
            return;
        }
        Link<IpAddress, Service> inPlace =
                Link.exchange(chain, other -> other.equals(before) || other.equals(after), after);
        index.put(inPlace != null ? inPlace : Link.insert(chain, ip, network, after, other -> false));
    }

    static @Nullable Service best(@Nullable Link<IpAddress, Service> chain, @Nullable String clientNamespace) {
        Service best = null;
        for (Link<IpAddress, Service> link = chain; link != null; link = link.next()) {
            best = better(best, link.value(), clientNamespace);
        }
        return best;
    }

    /**
     * The better of two, of which the second is the older: the client's namespace, then the newest canonical one, then the
     * oldest.
     */
    private static @Nullable Service better(
            @Nullable Service newer, @Nullable Service older, @Nullable String clientNamespace) {
        if (older == null
                || clientNamespace != null
                        && older.visibility() == Service.Visibility.NAMESPACE
                        && !older.namespace().equals(clientNamespace)) {
            return newer;
        }
        if (newer == null) {
            return older;
        }
        if (newer.namespace().equals(clientNamespace)) {
            return newer;
        }
        return newer.canonical() && !older.namespace().equals(clientNamespace) ? newer : older;
    }
}
