package io.culvert.agent.mesh;

import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.protocol.workload.Service;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which service a snapshot answers for an address or a name. */
class ServiceStoreTest {
    @Test
    void choosesAmongServicesOfOneAddress_byNamespaceThenCanonicalThenAge() {
        Service oldest = service("a").namespace("one").vip("10.96.0.1").build();
        Service canonical =
                service("a").namespace("two").vip("10.96.0.1").canonical().build();
        Service newest = service("a").namespace("three").vip("10.96.0.1").build();
        MeshSnapshot mesh = mesh(oldest, canonical, newest);

        assertEquals(newest, byVip(mesh, "10.96.0.1", "three"));
        assertEquals(oldest, byVip(mesh, "10.96.0.1", "one"));
        assertEquals(canonical, byVip(mesh, "10.96.0.1", "four"));
        assertEquals(canonical, byVip(mesh, "10.96.0.1", null));
        assertEquals(oldest, byVip(mesh(oldest, newest), "10.96.0.1", "four"));
    }

    @Test
    void choosesTheLatestOfSeveralCanonicalServices() {
        Service first =
                service("a").namespace("one").vip("10.96.0.1").canonical().build();
        Service second =
                service("a").namespace("two").vip("10.96.0.1").canonical().build();

        assertEquals(second, byVip(mesh(first, second), "10.96.0.1", "three"));
        assertEquals(first, byVip(mesh(second, first), "10.96.0.1", "three"));
    }

    @Test
    void choosesAmongServicesOfOneHostname_byNamespaceThenCanonicalThenAge() {
        Service oldest =
                service("a").namespace("one").hostname("api.example.com").build();
        Service canonical = service("a")
                .namespace("two")
                .hostname("api.example.com")
                .canonical()
                .build();
        MeshSnapshot mesh = mesh(oldest, canonical);

        assertEquals(oldest, mesh.serviceByHost("api.example.com", "one"));
        assertEquals(canonical, mesh.serviceByHost("api.example.com", "two"));
        assertEquals(canonical, mesh.serviceByHost("api.example.com", "three"));
        assertNull(mesh.serviceByHost("other.example.com", "one"));
        assertEquals(oldest, mesh.service(oldest.key()));
        assertEquals(canonical, mesh.service(canonical.key()));
    }

    @Test
    void hidesServicesOfTheirNamespaceFromOthers() {
        Service hidden = service("a")
                .namespace("one")
                .hostname("api.example.com")
                .vip("10.96.0.1")
                .canonical()
                .hidden()
                .build();
        Service open = service("a")
                .namespace("two")
                .hostname("api.example.com")
                .vip("10.96.0.1")
                .build();
        MeshSnapshot mesh = mesh(hidden, open);

        assertEquals(hidden, byVip(mesh, "10.96.0.1", "one"));
        assertEquals(open, byVip(mesh, "10.96.0.1", "three"));
        assertEquals(hidden, byVip(mesh, "10.96.0.1", null));
        assertEquals(open, mesh.serviceByHost("api.example.com", "three"));
        assertNull(byVip(mesh(hidden), "10.96.0.1", "three"));
        assertNull(mesh(hidden).serviceByHost("api.example.com", "three"));
    }

    @Test
    void fallsThroughToARange_whenTheExactAddressIsHidden() {
        Service hidden = service("a").namespace("one").vip("10.96.0.1").hidden().build();
        Service range = service("b").namespace("two").range("10.96.0.0/16").build();
        MeshSnapshot mesh = mesh(hidden, range);

        assertEquals(hidden, byVip(mesh, "10.96.0.1", "one"));
        assertEquals(range, byVip(mesh, "10.96.0.1", "three"));
    }

    @Test
    void findsRangesOfBothFamilies_andNeverAcrossThem() {
        Service dual = service("a").range("10.0.0.0/8").range("2001:db8::/32").build();
        MeshSnapshot mesh = mesh(dual);

        assertEquals(dual, byVip(mesh, "10.255.0.1", null));
        assertEquals(dual, byVip(mesh, "2001:db8:ffff::1", null));
        assertNull(byVip(mesh, "11.0.0.1", null));
        assertNull(byVip(mesh, "2001:db9::1", null));
        assertNull(byVip(mesh(service("all").range("::/0").build()), "10.0.0.1", null));
        assertNull(byVip(mesh(service("all").range("0.0.0.0/0").build()), "::1", null));
        assertEquals("all", name(byVip(mesh(service("all").range("0.0.0.0/0").build()), "9.9.9.9", null)));
        assertEquals("all", name(byVip(mesh(service("all").range("::/0").build()), "ffff::1", null)));
    }

    @Test
    void prefersTheLongestRange_andAnExactAddressToAnyRange() {
        MeshSnapshot mesh = mesh(
                service("wide").range("10.0.0.0/8").canonical().build(),
                service("narrow").range("10.1.0.0/16").build(),
                service("single").range("10.1.1.1/32").build(),
                service("exact").vip("10.1.1.2").build());

        assertEquals("wide", name(byVip(mesh, "10.2.0.1", null)));
        assertEquals("narrow", name(byVip(mesh, "10.1.0.1", null)));
        assertEquals("single", name(byVip(mesh, "10.1.1.1", null)));
        assertEquals("exact", name(byVip(mesh, "10.1.1.2", null)));
    }

    @Test
    void prefersTheClientsNamespaceToALongerRange_andCanonicalAmongEquals() {
        MeshSnapshot mesh = mesh(
                service("wide").namespace("one").range("10.0.0.0/8").build(),
                service("narrow").namespace("two").range("10.1.0.0/16").build(),
                service("other")
                        .namespace("three")
                        .range("10.1.0.0/16")
                        .canonical()
                        .build());

        assertEquals("wide", name(byVip(mesh, "10.1.0.1", "one")));
        assertEquals("narrow", name(byVip(mesh, "10.1.0.1", "two")));
        assertEquals("other", name(byVip(mesh, "10.1.0.1", "four")));
    }

    @Test
    void keepsNetworksApart() {
        MeshSnapshot mesh = mesh(
                service("east")
                        .vip("east", "10.96.0.1")
                        .range("east", "10.1.0.0/16")
                        .build(),
                service("west")
                        .vip("west", "10.96.0.1")
                        .range("west", "10.1.0.0/16")
                        .build());

        assertEquals("east", name(mesh.serviceByVip("east", ip("10.96.0.1"), null)));
        assertEquals("west", name(mesh.serviceByVip("west", ip("10.96.0.1"), null)));
        assertEquals("west", name(mesh.serviceByVip("west", ip("10.1.0.1"), null)));
        assertNull(mesh.serviceByVip("", ip("10.96.0.1"), null));
    }

    @Test
    void cleansUpAfterServicesThatChangeOrGo() {
        Service before = service("a")
                .vip("10.96.0.1")
                .vip("10.96.0.2")
                .range("10.1.0.0/16")
                .build();
        Service after = service("a")
                .vip("10.96.0.2")
                .vip("10.96.0.3")
                .range("10.2.0.0/16")
                .build();
        MeshSnapshot changed = mesh(before).toBuilder().upsert(after).build();
        MeshSnapshot gone = changed.toBuilder().removeService(after.key()).build();

        assertNull(byVip(changed, "10.96.0.1", null));
        assertEquals(after, byVip(changed, "10.96.0.2", null));
        assertEquals(after, byVip(changed, "10.96.0.3", null));
        assertNull(byVip(changed, "10.1.0.1", null));
        assertEquals(after, byVip(changed, "10.2.0.1", null));
        for (String address : new String[] {"10.96.0.2", "10.96.0.3", "10.2.0.1"}) {
            assertNull(byVip(gone, address, null), address);
        }
        assertNull(gone.serviceByHost(after.hostname(), null));
        assertEquals(0, gone.serviceCount());
    }

    private static MeshSnapshot mesh(Service... services) {
        MeshSnapshot.Builder builder = MeshSnapshot.EMPTY.toBuilder();
        for (Service service : services) {
            builder.upsert(service);
        }
        return builder.build();
    }

    private static @Nullable Service byVip(MeshSnapshot mesh, String address, @Nullable String namespace) {
        return mesh.serviceByVip("", ip(address), namespace);
    }

    private static String name(@Nullable Service service) {
        return service == null ? "none" : service.name();
    }
}
