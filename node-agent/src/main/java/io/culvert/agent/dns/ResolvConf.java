package io.culvert.agent.dns;

import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which servers to ask, how patiently, and what a name may be short for. What cannot be read is left out, as every resolver does.
 *
 * <p>Bounds: {@link #SERVERS_MAX}, {@link #DOMAINS_MAX}. Source: resolv.conf(5).
 *
 * @param servers the servers, the first to be asked first; possibly none
 * @param timeout how long one may take
 * @param attempts how often each is asked
 * @param searchDomains what resolvers put behind names, the first to be tried first; possibly none
 */
public record ResolvConf(List<IpPort> servers, Duration timeout, int attempts, List<DnsName> searchDomains) {
    static final int SERVERS_MAX = 8;
    static final int DOMAINS_MAX = 32;
    private static final int PORT = 53;
    private static final int TIMEOUT_SECONDS_DEFAULT = 5;
    private static final int TIMEOUT_SECONDS_MAX = 30;
    private static final int ATTEMPTS_DEFAULT = 2;
    private static final int ATTEMPTS_MAX = 5;

    /** Nobody to ask. */
    public static final ResolvConf EMPTY = parse("");

    public ResolvConf {
        servers = List.copyOf(servers);
        searchDomains = List.copyOf(searchDomains);
    }

    /** Reads the file's text. */
    public static ResolvConf parse(String text) {
        List<IpPort> servers = new ArrayList<>();
        int timeout = TIMEOUT_SECONDS_DEFAULT;
        int attempts = ATTEMPTS_DEFAULT;
        List<DnsName> domains = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String[] words = line.trim().split("\\s+", -1);
            if (words[0].equals("nameserver") && words.length > 1 && servers.size() < SERVERS_MAX) {
                addServer(words[1], servers);
            }
            if (words[0].equals("search") || words[0].equals("domain")) {
                // The last such line counts.
                domains.clear();
                Arrays.stream(words, 1, Math.min(words.length, 1 + DOMAINS_MAX))
                        .forEach(word -> addDomain(word, domains));
            }
            for (int i = 1; i < words.length && words[0].equals("options"); i++) {
                timeout = option(words[i], "timeout:", timeout, TIMEOUT_SECONDS_MAX);
                attempts = option(words[i], "attempts:", attempts, ATTEMPTS_MAX);
            }
        }
        return new ResolvConf(servers, Duration.ofSeconds(timeout), attempts, domains);
    }

    private static void addDomain(String word, List<DnsName> domains) {
        try {
            DnsName domain = DnsName.parse(word);
            if (!domain.labels().isEmpty() && !domains.contains(domain)) {
                domains.add(domain);
            }
        } catch (IllegalArgumentException notADomain) {
            // A slip of the pen.
            return;
        }
    }

    private static void addServer(String literal, List<IpPort> servers) {
        try {
            IpPort server = new IpPort(IpAddress.parse(literal), PORT);
            if (!servers.contains(server)) {
                servers.add(server);
            }
        } catch (IllegalArgumentException notAnAddress) {
            // A scoped address, or a slip of the pen.
            return;
        }
    }

    private static int option(String word, String name, int before, int max) {
        String digits = word.startsWith(name) ? word.substring(name.length()) : "";
        boolean number =
                !digits.isEmpty() && digits.length() < 6 && digits.chars().allMatch(c -> c >= '0' && c <= '9');
        return number ? Math.clamp(Integer.parseInt(digits), 1, max) : before;
    }
}
