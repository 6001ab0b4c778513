package io.culvert.agent.dns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.dns.DnsName;
import java.util.List;
import org.junit.jupiter.api.Test;

class NameSearchTest {
    private final NameSearch search = new NameSearch(DnsName.parse("cluster.local"), null);

    private List<String> hostnames(String name) {
        return search.aliases(DnsName.parse(name), "ns1").stream()
                .map(alias -> alias.hostname() + (alias.stripped() == null ? "" : " of " + alias.stripped()))
                .toList();
    }

    @Test
    void completesShortNames_asKubernetesDoes() {
        assertEquals(List.of("name", "name.ns1.svc.cluster.local"), hostnames("name"));
        assertEquals(
                List.of("name.ns2", "name.ns2.svc.cluster.local", "name.ns2.ns1.svc.cluster.local"),
                hostnames("name.ns2"));
        assertEquals(
                List.of("name.ns2.svc", "name.ns2.svc.cluster.local", "name.ns2.svc.svc.cluster.local"),
                hostnames("name.ns2.svc"));
        assertEquals(List.of("a.b.c", "a.b.c.svc.cluster.local"), hostnames("a.b.c"));
        assertEquals(List.of("pod.name.ns2.svc", "pod.name.ns2.svc.cluster.local"), hostnames("pod.name.ns2.svc"));
        assertEquals(List.of("a.b.c.d"), hostnames("a.b.c.d"));
        assertEquals(List.of("a.b.c.d.svc"), hostnames("a.b.c.d.svc"));
    }

    @Test
    void takesOffWhatTheResolverPutOn() {
        assertEquals(
                List.of(
                        "www.example.com.ns1.svc.cluster.local",
                        "www.example.com of www.example.com",
                        "www.example.com.svc.cluster.local of www.example.com",
                        "www.example.com.ns1 of www.example.com.ns1",
                        "www.example.com.ns1.svc of www.example.com.ns1.svc"),
                hostnames("www.example.com.ns1.svc.cluster.local"));
        assertEquals(List.of("a.b.c.d.cluster.local", "a.b.c.d of a.b.c.d"), hostnames("a.b.c.d.cluster.local"));
    }

    @Test
    void takesOffTheSystemsSearchDomains_whereThoseAreWhatIsPutOn() {
        NameSearch ofSystem =
                new NameSearch(DnsName.parse("cluster.local"), () -> List.of(DnsName.parse("corp.example")));
        assertEquals(
                List.of("web.corp.example", "web.corp.example.svc.cluster.local", "web", "web.ns1.svc.cluster.local"),
                ofSystem.aliases(DnsName.parse("web.corp.example"), "ns1").stream()
                        .map(NameSearch.Alias::hostname)
                        .toList());
        assertEquals(
                List.of("web.svc.cluster.local"),
                ofSystem.aliases(DnsName.parse("web.svc.cluster.local"), "ns1").stream()
                        .map(NameSearch.Alias::hostname)
                        .toList());
    }

    @Test
    void neverTakesOffEverything() {
        assertEquals(
                List.of("ns1.svc.cluster.local"),
                hostnames("ns1.svc.cluster.local").stream()
                        .filter(hostname -> hostname.startsWith("ns1.svc.cluster.local"))
                        .filter(hostname -> !hostname.contains(" of "))
                        .toList());
    }

    @Test
    void coversWithWildcards_theNarrowestFirst_andNoWholeTopLevel() {
        assertEquals(List.of("a.b.c.com", "*.b.c.com", "*.c.com", "*.com"), NameSearch.patterns("a.b.c.com"));
        assertEquals(List.of("com"), NameSearch.patterns("com"));
    }
}
