package io.culvert.protocol;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import io.culvert.testkit.Gen;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Random records of the mesh. What policies look at comes from a small universe, so that they match often enough. */
public final class Records {
    private static final String SEGMENT = "abcXYZ019._-";

    private Records() {}

    public static IpAddress ip(Gen gen) {
        return gen.bool()
                ? IpAddress.ofV4((int) gen.anyLong())
                : new IpAddress(gen.pick(0L, gen.anyLong()), gen.pick(0L, 1L, 0xffff_0000_0001L, gen.anyLong()));
    }

    public static Cidr cidr(Gen gen) {
        IpAddress ip = ip(gen);
        return new Cidr(ip, gen.intBetween(0, ip.isV4() ? 32 : 128));
    }

    public static String segment(Gen gen) {
        return "s" + gen.text(SEGMENT, 20);
    }

    public static SpiffeId spiffeId(Gen gen) {
        return new SpiffeId(new TrustDomain(gen.dnsLabel(20)), segment(gen), segment(gen));
    }

    public static GatewayAddress gateway(Gen gen) {
        int port = gen.intBetween(1, 65_535);
        return gen.bool()
                ? new GatewayAddress.ByHostname(name(gen), port)
                : new GatewayAddress.ByAddress(new NetworkAddress(gen.text("net-", 4), ip(gen)), port);
    }

    public static NamespacedName name(Gen gen) {
        return new NamespacedName(gen.dnsLabel(10), gen.dnsLabel(20));
    }

    public static PortMap ports(Gen gen) {
        int[] pairs = new int[2 * gen.intBetween(0, 5)];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = gen.intBetween(0, 65_535);
        }
        return PortMap.of(pairs);
    }

    public static Workload workload(Gen gen, String uid) {
        Map<NamespacedName, PortMap> services = new HashMap<>();
        for (int i = gen.intBetween(0, 3); i > 0; i--) {
            services.put(name(gen), ports(gen));
        }
        return new Workload(
                new WorkloadUid(uid),
                gen.dnsLabel(20),
                segment(gen),
                gen.list(3, Records::ip),
                gen.text("ab.", 10),
                gen.text("net", 3),
                gen.pick(Workload.TunnelProtocol.class),
                gen.pick(TrustDomain.CLUSTER_LOCAL, new TrustDomain("example.org")),
                segment(gen),
                gen.bool() ? gateway(gen) : null,
                gen.bool() ? gateway(gen) : null,
                gen.text("node", 5),
                gen.text("canonical", 9),
                gen.text("v1", 2),
                gen.pick(Workload.WorkloadType.class),
                gen.text("work", 9),
                gen.bool(),
                gen.bool()
                        ? new ApplicationTunnel(gen.pick(ApplicationTunnel.Protocol.class), gen.intBetween(0, 65_535))
                        : null,
                services,
                gen.list(3, Records::name),
                gen.pick(Workload.Health.class),
                "c" + gen.text("luster", 6),
                new Locality(gen.text("r", 2), gen.text("z", 2), gen.text("s", 2)),
                gen.pick(Workload.NetworkMode.class),
                gen.intBetween(0, Integer.MAX_VALUE));
    }

    public static Service service(Gen gen, NamespacedName key) {
        return new Service(
                gen.dnsLabel(10),
                key.namespace(),
                key.name(),
                gen.list(3, g -> new NetworkAddress(g.text("net", 3), ip(g))),
                gen.list(3, g -> new Service.NetworkCidr(g.text("net", 3), cidr(g))).stream()
                        .filter(range -> !range.cidr().isSingle())
                        .toList(),
                ports(gen),
                gen.list(3, g -> spiffeId(g).uri()),
                gen.bool() ? gateway(gen) : null,
                gen.list(2, g -> new Service.WeightedWaypoint(gateway(g), g.longBetween(0, 0xffff_ffffL))),
                gen.bool()
                        ? new LoadBalancing(
                                gen.list(4, g -> g.pick(LoadBalancing.Scope.class)),
                                gen.pick(LoadBalancing.Mode.class),
                                gen.pick(LoadBalancing.HealthPolicy.class))
                        : null,
                gen.pick(Service.IpFamilies.class),
                gen.bool(),
                gen.pick(Service.Visibility.class));
    }

    private static String smallSegment(Gen gen) {
        return gen.pick("a", "b", "ab", "ba");
    }

    private static IpAddress smallIp(Gen gen) {
        return IpAddress.parse(gen.pick("10.0.0.1", "10.0.1.1", "192.168.0.1", "fd00::1", "fd00::2", "::1"));
    }

    private static Cidr smallCidr(Gen gen) {
        return Cidr.parse(
                gen.pick("10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "192.168.0.1/32", "fd00::/16", "::/0", "::1/128"));
    }

    private static StringMatch text(Gen gen, List<String> values) {
        String value = gen.pick(values);
        int cut = gen.intBetween(0, value.length());
        return switch (gen.intBetween(0, 3)) {
            case 0 -> new StringMatch.Exact(value);
            case 1 -> new StringMatch.Prefix(value.substring(0, cut));
            case 2 -> new StringMatch.Suffix(value.substring(cut));
            default -> new StringMatch.Presence();
        };
    }

    private static <T> List<T> few(Gen gen, Function<Gen, T> element) {
        return gen.oneIn(3) ? List.of() : gen.oneIn(3) ? List.of(element.apply(gen)) : gen.list(2, element);
    }

    /** Constrains few attributes, for one that constrains all of them never matches. */
    public static Match match(Gen gen) {
        long random = gen.anyLong();
        long which = random & (random >>> 12);
        List<String> principals = List.of("td/ns/a/sa/b", "td/ns/ab/sa/a", "other/ns/a/sa/b", "spiffe://td/ns/a/sa/b");
        List<String> namespaces = List.of("a", "b", "ab", "ba", "");
        Function<Gen, Match.ServiceAccountMatch> account =
                g -> new Match.ServiceAccountMatch(smallSegment(g), smallSegment(g));
        return new Match(
                (which & 1) == 0 ? List.of() : few(gen, g -> text(g, namespaces)),
                (which & 2) == 0 ? List.of() : few(gen, g -> text(g, namespaces)),
                (which & 4) == 0 ? List.of() : few(gen, account),
                (which & 8) == 0 ? List.of() : few(gen, account),
                (which & 16) == 0 ? List.of() : few(gen, g -> text(g, principals)),
                (which & 32) == 0 ? List.of() : few(gen, g -> text(g, principals)),
                (which & 64) == 0 ? List.of() : few(gen, Records::smallCidr),
                (which & 128) == 0 ? List.of() : few(gen, Records::smallCidr),
                (which & 256) == 0 ? List.of() : few(gen, Records::smallCidr),
                (which & 512) == 0 ? List.of() : few(gen, Records::smallCidr),
                (which & 1024) == 0 ? List.of() : few(gen, g -> g.pick(80, 443, 15008)),
                (which & 2048) == 0 ? List.of() : few(gen, g -> g.pick(80, 443, 15008)));
    }

    public static Policy policy(Gen gen, NamespacedName key) {
        return new Policy(
                key,
                gen.pick(Policy.Scope.class),
                gen.pick(Policy.Action.class),
                gen.list(2, g -> new Rule(g.list(2, h -> new Clause(h.list(3, Records::match))))),
                gen.oneIn(4));
    }

    public static PeerFacts facts(Gen gen) {
        PeerIdentity identity = gen.oneIn(4)
                ? gen.pick(PeerIdentity.PLAINTEXT, new PeerIdentity.Absent(PeerIdentity.Reason.NO_SPIFFE_SAN))
                : new PeerIdentity.Verified(
                        new SpiffeId(new TrustDomain(gen.pick("td", "other")), smallSegment(gen), smallSegment(gen)));
        return new PeerFacts(identity, smallIp(gen), smallIp(gen), gen.pick(80, 443, 15008));
    }
}
