package io.culvert.agent.dns;

import io.culvert.protocol.dns.DnsName;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The hostnames that a pod may mean by a name: as it is, as Kubernetes completes short names, and with a search domain taken off
 * again that the pod's resolver put on.
 *
 * <p>Runs on: any.
 *
 * @param clusterDomain the cluster's domain
 * @param searchDomains what the pod's resolver puts on; null for what Kubernetes has it put on
 */
record NameSearch(DnsName clusterDomain, @Nullable Supplier<List<DnsName>> searchDomains) {
    private static final String SVC = "svc";

    /**
     * A hostname that may be meant.
     *
     * @param hostname the hostname
     * @param stripped what was left of the name without a search domain; null when nothing was taken off
     */
    record Alias(String hostname, @Nullable DnsName stripped) {}

    /** The hostnames, the likeliest first. */
    List<Alias> aliases(DnsName name, String clientNamespace) {
        List<Alias> aliases = new ArrayList<>();
        add(aliases, name, null, clientNamespace);
        for (DnsName domain : searchDomains == null ? ofKubernetes(clientNamespace) : searchDomains.get()) {
            DnsName stripped = name.before(domain);
            if (stripped != null) {
                add(aliases, stripped, stripped, clientNamespace);
            }
        }
        return aliases;
    }

    private List<DnsName> ofKubernetes(String clientNamespace) {
        List<DnsName> domains = new ArrayList<>();
        for (String prefix : List.of(clientNamespace + "." + SVC + ".", SVC + ".", "")) {
            try {
                domains.add(DnsName.parse(prefix + clusterDomain));
            } catch (IllegalArgumentException tooLongForADomain) {
                // Nobody can have put it on.
            }
        }
        return domains;
    }

    private void add(List<Alias> aliases, DnsName name, @Nullable DnsName stripped, String clientNamespace) {
        String text = name.toString();
        aliases.add(new Alias(text, stripped));
        for (String completion : completions(name.labels(), clientNamespace)) {
            aliases.add(new Alias(text + completion, stripped));
        }
    }

    private List<String> completions(List<String> labels, String clientNamespace) {
        String domain = "." + clusterDomain;
        String service = "." + SVC + domain;
        boolean namesService = labels.size() > 2 && labels.getLast().equals(SVC);
        return switch (labels.size()) {
            case 1 -> List.of("." + clientNamespace + service);
            case 2 -> List.of(service, "." + clientNamespace + service);
            case 3 -> namesService ? List.of(domain, service) : List.of(service);
            case 4 -> namesService ? List.of(domain) : List.of();
            default -> List.of();
        };
    }

    /** The hostname itself, then the wildcards that cover it, the narrowest first; none that covers a whole top level. */
    static List<String> patterns(String hostname) {
        List<String> patterns = new ArrayList<>();
        patterns.add(hostname);
        int dot = hostname.indexOf('.');
        while (dot >= 0) {
            patterns.add("*" + hostname.substring(dot));
            dot = hostname.indexOf('.', dot + 1);
        }
        return patterns;
    }
}
