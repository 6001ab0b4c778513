package io.culvert.agent.dns;

import io.culvert.agent.mesh.Endpoint;
import io.culvert.agent.mesh.Endpoints;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.dns.DnsRequest;
import io.culvert.protocol.dns.DnsType;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the mesh knows of a name, as a pod of it asks.
 *
 * <p>Runs on: any. Bounds: {@link #ADDRESSES_MAX} in an answer, any of them when there are more.
 */
final class MeshNames {
    static final int ADDRESSES_MAX = 4_096;

    /**
     * How names are understood.
     *
     * @param clusterDomain the cluster's domain
     * @param preferredNamespace whose service wins where nothing else decides, empty for nobody's
     * @param ipv6 whether there are IPv6 addresses for pods
     * @param searchDomains what pods' resolvers put behind names; null for what Kubernetes has them put there
     */
    record Terms(
            DnsName clusterDomain,
            String preferredNamespace,
            boolean ipv6,
            @Nullable Supplier<List<DnsName>> searchDomains) {
        /** In pods whose resolvers are set up by Kubernetes. */
        Terms(DnsName clusterDomain, String preferredNamespace, boolean ipv6) {
            this(clusterDomain, preferredNamespace, ipv6, null);
        }
    }

    /** What is known. */
    sealed interface Finding {
        /**
         * The name exists; without addresses it has none of the family asked for.
         *
         * @param canonical the name that the addresses belong to, null for the one asked for
         * @param addresses in a random order
         */
        record Known(@Nullable DnsName canonical, List<IpAddress> addresses) implements Finding {}

        /** Others may know it. */
        record Unknown() implements Finding {}
    }

    private record Match(Service service, NameSearch.Alias alias, boolean wildcard) {}

    private final Terms terms;
    private final NameSearch search;
    private final String clusterSuffix;
    private final Supplier<? extends Random> random;

    MeshNames(Terms terms, Supplier<? extends Random> random) {
        this.terms = terms;
        this.search = new NameSearch(terms.clusterDomain(), terms.searchDomains());
        this.clusterSuffix = ".svc." + terms.clusterDomain();
        this.random = random;
    }

    Finding find(MeshSnapshot snapshot, Workload client, DnsRequest.Lookup lookup) {
        Match match = match(snapshot, client, lookup.name());
        if (match == null) {
            return new Finding.Unknown();
        }
        boolean v4 = lookup.type() == DnsType.A;
        List<IpAddress> addresses =
                isServed(match.service(), v4) ? addresses(snapshot, client, match.service(), v4) : new ArrayList<>();
        Collections.shuffle(addresses, random.get());
        return new Finding.Known(match.wildcard() ? null : match.alias().stripped(), addresses);
    }

    private @Nullable Match match(MeshSnapshot snapshot, Workload client, DnsName name) {
        for (NameSearch.Alias alias : search.aliases(name, client.namespace())) {
            for (String pattern : NameSearch.patterns(alias.hostname())) {
                Service best = best(snapshot.servicesByHost(pattern), client.namespace());
                if (best != null) {
                    return new Match(best, alias, pattern.startsWith("*."));
                }
            }
        }
        return null;
    }

    /** The client's own namespace's, else the newest canonical one, else the preferred namespace's, else the oldest. */
    private @Nullable Service best(List<Service> oldestFirst, String clientNamespace) {
        Service canonical = null;
        Service preferred = null;
        Service first = null;
        for (Service service : oldestFirst) {
            if (!isAnswerable(service) || !isVisible(service, clientNamespace)) {
                continue;
            }
            if (service.namespace().equals(clientNamespace)) {
                return service;
            }
            canonical = service.canonical() ? service : canonical;
            preferred = service.namespace().equals(terms.preferredNamespace()) ? service : preferred;
            first = first == null ? service : first;
        }
        Service better = canonical != null ? canonical : preferred;
        return better != null ? better : first;
    }

    /** A service without addresses of its own has those of its pods; of a host outside others know more. */
    private boolean isAnswerable(Service service) {
        return !service.vips().isEmpty() || service.hostname().endsWith(clusterSuffix);
    }

    private static boolean isVisible(Service service, String clientNamespace) {
        return service.visibility() == Service.Visibility.PUBLIC
                || service.namespace().equals(clientNamespace);
    }

    private boolean isServed(Service service, boolean v4) {
        return switch (service.ipFamilies()) {
            case IPV4_ONLY -> v4;
            case IPV6_ONLY -> !v4 && terms.ipv6();
            case AUTOMATIC, DUAL -> v4 || terms.ipv6();
        };
    }

    private List<IpAddress> addresses(MeshSnapshot snapshot, Workload client, Service service, boolean v4) {
        List<IpAddress> found = new ArrayList<>();
        for (NetworkAddress vip : service.vips()) {
            if (vip.network().equals(client.network()) && vip.ip().isV4() == v4) {
                found.add(vip.ip());
            }
        }
        if (service.vips().isEmpty()) {
            addEndpoints(snapshot.endpoints(service), v4, found);
        }
        return found;
    }

    private void addEndpoints(Endpoints endpoints, boolean v4, List<IpAddress> found) {
        int count = endpoints.size();
        int start = count > ADDRESSES_MAX ? random.get().nextInt(count) : 0;
        for (int i = 0; i < count && found.size() < ADDRESSES_MAX; i++) {
            Endpoint endpoint = endpoints.get((start + i) % count);
            for (IpAddress ip : endpoint.workload().addresses()) {
                if (ip.isV4() == v4) {
                    found.add(ip);
                    break;
                }
            }
        }
    }
}
