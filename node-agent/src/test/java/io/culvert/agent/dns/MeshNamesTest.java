package io.culvert.agent.dns;

import static io.culvert.agent.mesh.Records.external;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.dns.DnsRequest;
import io.culvert.protocol.dns.DnsType;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a pod of namespace ns1 on network n1 is told. */
class MeshNamesTest {
    private static final Workload CLIENT =
            pod("client", "10.1.0.1").namespace("ns1").network("n1").build();
    private static final String FORWARDED = "forwarded";

    private final Random random = new Random(7);
    private MeshNames names = names("", true);
    private MeshSnapshot.Builder mesh = MeshSnapshot.EMPTY.toBuilder().upsert(CLIENT);

    private MeshNames names(String preferred, boolean ipv6) {
        return new MeshNames(new MeshNames.Terms(DnsName.parse("cluster.local"), preferred, ipv6), () -> random);
    }

    private static Records.ServiceSpec kube(String name, String namespace) {
        return service(name).namespace(namespace).hostname(name + "." + namespace + ".svc.cluster.local");
    }

    private void known(Records.ServiceSpec... services) {
        for (Records.ServiceSpec each : services) {
            mesh.upsert(each.build());
        }
    }

    private MeshNames.Finding find(String name, int type) {
        MeshSnapshot snapshot = mesh.build();
        mesh = snapshot.toBuilder();
        return names.find(snapshot, CLIENT, new DnsRequest.Lookup(DnsName.parse(name), type, null));
    }

    /** The addresses, sorted, behind the canonical name if there is one. */
    private String told(String name, int type) {
        return switch (find(name, type)) {
            case MeshNames.Finding.Unknown unknown -> FORWARDED;
            case MeshNames.Finding.Known(DnsName canonical, List<IpAddress> addresses) ->
                (canonical == null ? "" : canonical + " -> ")
                        + new TreeSet<>(
                                addresses.stream().map(IpAddress::toString).toList());
        };
    }

    private String a(String name) {
        return told(name, DnsType.A);
    }

    private String aaaa(String name) {
        return told(name, DnsType.AAAA);
    }

    @Test
    void answersAServiceByAllItsNames() {
        known(
                kube("productpage", "ns1").vip("n1", "9.9.9.9"),
                kube("reviews", "ns2").vip("n1", "8.8.8.8"));
        assertEquals("[9.9.9.9]", a("productpage"));
        assertEquals("[9.9.9.9]", a("productpage.ns1"));
        assertEquals("[9.9.9.9]", a("productpage.ns1.svc"));
        assertEquals("[9.9.9.9]", a("productpage.ns1.svc.cluster.local"));
        assertEquals("[8.8.8.8]", a("reviews.ns2"));
        assertEquals(FORWARDED, a("reviews"));
        assertEquals(FORWARDED, a("productpage.ns2"));
        assertEquals(FORWARDED, a("nobody.ns1.svc.cluster.local"));
    }

    @Test
    void answersExternalNames_alsoWithASearchDomainAtTheirEnd() {
        known(service("google").namespace("ns2").hostname("www.google.com").vip("n1", "1.2.3.4"));
        assertEquals("[1.2.3.4]", a("www.google.com"));
        for (String domain : List.of("ns1.svc.cluster.local", "svc.cluster.local", "cluster.local")) {
            assertEquals("www.google.com -> [1.2.3.4]", a("www.google.com." + domain));
        }
        assertEquals(FORWARDED, a("www.google.com.ns2.svc.cluster.local"));
        assertEquals(FORWARDED, a("www.google.com.other"));
    }

    @Test
    void completesWhatASearchDomainWasTakenOff() {
        known(kube("reviews", "ns2").vip("n1", "8.8.8.8"));
        assertEquals("reviews.ns2 -> [8.8.8.8]", a("reviews.ns2.ns1.svc.cluster.local"));
    }

    @Test
    void answersWildcards_theNarrowestFirst_underTheNameAskedFor() {
        known(
                service("wide").namespace("ns2").hostname("*.example.com").vip("n1", "1.1.1.1"),
                service("narrow").namespace("ns2").hostname("*.svc.example.com").vip("n1", "2.2.2.2"),
                service("exact").namespace("ns2").hostname("a.svc.example.com").vip("n1", "3.3.3.3"));
        assertEquals("[1.1.1.1]", a("www.example.com"));
        assertEquals("[1.1.1.1]", a("deep.www.example.com"));
        assertEquals("[2.2.2.2]", a("b.svc.example.com"));
        assertEquals("[3.3.3.3]", a("a.svc.example.com"));
        assertEquals(FORWARDED, a("example.com"));
        assertEquals("[1.1.1.1]", a("www.example.com.ns1.svc.cluster.local"));
        assertEquals("a.svc.example.com -> [3.3.3.3]", a("a.svc.example.com.ns1.svc.cluster.local"));
    }

    @Test
    void hasNothingOfTheOtherFamily_withoutAnError() {
        known(
                kube("four", "ns1").vip("n1", "9.9.9.9"),
                kube("six", "ns1").vip("n1", "2001:db8::9"),
                kube("both", "ns1").vip("n1", "9.9.9.8").vip("n1", "2001:db8::8"));
        assertEquals("[]", aaaa("four"));
        assertEquals("[]", a("six"));
        assertEquals("[2001:db8::9]", aaaa("six"));
        assertEquals("[9.9.9.8]", a("both"));
        assertEquals("[2001:db8::8]", aaaa("both"));
    }

    @Test
    void keepsToTheFamiliesOfAService_andOfTheNode() {
        known(
                kube("four", "ns1")
                        .vip("n1", "9.9.9.9")
                        .vip("n1", "2001:db8::9")
                        .families(Service.IpFamilies.IPV4_ONLY),
                kube("six", "ns1").vip("n1", "9.9.9.9").vip("n1", "2001:db8::9").families(Service.IpFamilies.IPV6_ONLY),
                kube("dual", "ns1")
                        .vip("n1", "9.9.9.9")
                        .vip("n1", "2001:db8::9")
                        .families(Service.IpFamilies.DUAL));
        assertEquals("[] [9.9.9.9]", aaaa("four") + " " + a("four"));
        assertEquals("[2001:db8::9] []", aaaa("six") + " " + a("six"));
        assertEquals("[2001:db8::9] [9.9.9.9]", aaaa("dual") + " " + a("dual"));
        names = names("", false);
        assertEquals("[] []", aaaa("six") + " " + a("six"));
        assertEquals("[] [9.9.9.9]", aaaa("dual") + " " + a("dual"));
    }

    @Test
    void tellsOnlyAddressesOfTheClientsNetwork_andNoRanges() {
        known(
                kube("several", "ns1").vip("n1", "9.9.9.9").vip("n2", "7.7.7.7"),
                kube("elsewhere", "ns1").vip("n2", "7.7.7.6"),
                kube("range", "ns1").vip("n1", "9.9.9.5").range("n1", "9.8.0.0/16"),
                service("onlyrange")
                        .namespace("ns1")
                        .hostname("range.example.com")
                        .range("n1", "9.7.0.0/16"));
        assertEquals("[9.9.9.9]", a("several"));
        assertEquals("[]", a("elsewhere"));
        assertEquals("[9.9.9.5]", a("range"));
        assertEquals(FORWARDED, a("range.example.com"));
    }

    @Test
    void answersAHeadlessServiceWithItsPods_whereverTheyAre() {
        known(kube("headless", "ns1"), kube("sixes", "ns1"));
        mesh.upsert(pod("p1", "10.0.0.1", "10.0.0.11", "2001:db8::1")
                .ofKey("ns1/headless.ns1.svc.cluster.local", 80, 80)
                .network("n1")
                .build());
        mesh.upsert(pod("p2", "2001:db8::2", "10.0.0.2")
                .ofKey("ns1/headless.ns1.svc.cluster.local", 80, 80)
                .network("n2")
                .build());
        mesh.upsert(pod("p3", "2001:db8::3")
                .ofKey("ns1/sixes.ns1.svc.cluster.local", 80, 80)
                .build());
        assertEquals("[10.0.0.1, 10.0.0.2]", a("headless"));
        assertEquals("[2001:db8::1, 2001:db8::2]", aaaa("headless"));
        assertEquals("[]", a("sixes"));
        assertEquals("[2001:db8::3]", aaaa("sixes"));
    }

    @Test
    void leavesHeadlessNamesOutsideTheCluster_andHostnamesOfWorkloads_toOthers() {
        known(
                service("hosts").namespace("ns1").hostname("hosts.example.com"),
                kube("remote", "ns1").hostname("remote.ns1.svc.clusterset.local"));
        mesh.upsert(external("vm", "10.0.0.1")
                .hostname("vm.example.com")
                .ofKey("ns1/hosts.example.com", 80, 80)
                .build());
        assertEquals(FORWARDED, a("hosts.example.com"));
        assertEquals(FORWARDED, a("vm.example.com"));
        assertEquals(FORWARDED, a("remote.ns1.svc.clusterset.local"));
    }

    @Test
    void answersAServiceOfAnotherClustersDomain_byThatNameAlone() {
        known(service("far")
                .namespace("ns1")
                .hostname("far.ns1.svc.other.example")
                .vip("n1", "9.9.9.9"));
        assertEquals("[9.9.9.9]", a("far.ns1.svc.other.example"));
        assertEquals("[]", aaaa("far.ns1.svc.other.example"));
        assertEquals(FORWARDED, a("far"));
        assertEquals(FORWARDED, a("far.ns1"));
        assertEquals(FORWARDED, a("far.ns1.svc.cluster.local"));
    }

    @Test
    void hidesWhatOtherNamespacesKeepToThemselves() {
        known(
                service("secret")
                        .namespace("ns2")
                        .hostname("secret.example.com")
                        .vip("n1", "1.1.1.1")
                        .hidden(),
                service("own")
                        .namespace("ns1")
                        .hostname("own.example.com")
                        .vip("n1", "2.2.2.2")
                        .hidden());
        assertEquals(FORWARDED, a("secret.example.com"));
        assertEquals("[2.2.2.2]", a("own.example.com"));
    }

    private static Records.ServiceSpec shared(String namespace, String vip) {
        return service("s").namespace(namespace).hostname("shared.example.com").vip("n1", vip);
    }

    @Test
    void prefersTheClientsNamespace_thenTheNewestCanonical_thenThePreferredOne_thenTheOldest() {
        known(shared("ns3", "3.3.3.3"), shared("ns4", "4.4.4.4"));
        assertEquals("[3.3.3.3]", a("shared.example.com"));
        names = names("ns4", true);
        assertEquals("[4.4.4.4]", a("shared.example.com"));
        known(shared("ns5", "5.5.5.5").canonical());
        assertEquals("[5.5.5.5]", a("shared.example.com"));
        known(shared("ns6", "6.6.6.6").canonical());
        assertEquals("[6.6.6.6]", a("shared.example.com"));
        known(shared("ns1", "1.1.1.1"));
        assertEquals("[1.1.1.1]", a("shared.example.com"));
    }

    @Test
    void passesOverWhatItCannotAnswer_toTheNextOfTheSameName() {
        known(service("s").namespace("ns1").hostname("shared.example.com"), shared("ns2", "2.2.2.2"));
        assertEquals("[2.2.2.2]", a("shared.example.com"));
    }

    @Test
    void shufflesAddresses() {
        Records.ServiceSpec many = kube("many", "ns1");
        for (int i = 1; i <= 20; i++) {
            many.vip("n1", "9.9.9." + i);
        }
        known(many);
        Set<List<IpAddress>> orders = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            orders.add(assertInstanceOf(MeshNames.Finding.Known.class, find("many", DnsType.A))
                    .addresses());
        }
        assertNotEquals(1, orders.size());
        assertEquals(
                1, orders.stream().map(HashSet::new).collect(Collectors.toSet()).size());
    }

    @Test
    void boundsTheAnswerOfAHugeService() {
        known(kube("huge", "ns1"));
        for (int i = 0; i < 5_000; i++) {
            mesh.upsert(pod("p" + i, IpAddress.ofV4(0x0a000000 + i).toString())
                    .ofKey("ns1/huge.ns1.svc.cluster.local", 80, 80)
                    .build());
        }
        List<IpAddress> told = assertInstanceOf(MeshNames.Finding.Known.class, find("huge", DnsType.A))
                .addresses();
        assertEquals(MeshNames.ADDRESSES_MAX, new HashSet<>(told).size());
        assertEquals(MeshNames.ADDRESSES_MAX, told.size());
    }
}
