package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.workload.Address;
import io.culvert.protocol.wire.workload.Workload;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeltaSessionOnDemandTest {
    private static final String ADDRESS = MeshResources.ADDRESS_TYPE;
    private static final String AUTHORIZATION = MeshResources.AUTHORIZATION_TYPE;

    private final DeltaSession session =
            new DeltaSession(Node.getDefaultInstance(), List.of(ADDRESS, AUTHORIZATION), Set.of(ADDRESS));

    private static DeltaDiscoveryResponse.Builder response(String type) {
        return DeltaDiscoveryResponse.newBuilder().setTypeUrl(type).setNonce("1");
    }

    private static Resource workload(String uid, String alias) {
        Address address = Address.newBuilder()
                .setWorkload(Workload.newBuilder().setUid(uid))
                .build();
        return Resource.newBuilder()
                .setName(uid)
                .setVersion("v1")
                .addAliases(alias)
                .setResource(Any.newBuilder().setTypeUrl(ADDRESS).setValue(address.toByteString()))
                .build();
    }

    private DeltaDiscoveryRequest opening() {
        return session.open().getFirst();
    }

    @Test
    void subscribesToNothing_yetWantsTheOthersWhole() {
        assertEquals(List.of("*"), opening().getResourceNamesSubscribeList());
        assertEquals(List.of("*"), opening().getResourceNamesUnsubscribeList());
        assertEquals(0, session.open().getLast().getResourceNamesSubscribeCount());
    }

    @Test
    void isSynced_withoutTheTypeThatIsOnDemand() {
        assertEquals(Set.of(AUTHORIZATION), session.awaited());
        session.receive(response(AUTHORIZATION).build());
        assertTrue(session.isSynced());
    }

    @Test
    void asksForANameOnce_untilItIsAnswered() {
        assertEquals(
                List.of("/10.0.0.1"),
                session.demand(ADDRESS, "/10.0.0.1").orElseThrow().getResourceNamesSubscribeList());
        assertTrue(session.demand(ADDRESS, "/10.0.0.1").isEmpty());
        assertEquals(Map.of("/10.0.0.1", ""), opening().getInitialResourceVersionsMap());
        session.receive(
                response(ADDRESS).addResources(workload("uid", "/10.0.0.1")).build());
        assertEquals(Map.of("uid", "v1", "/10.0.0.1", ""), opening().getInitialResourceVersionsMap());
        assertTrue(session.isAnswered(ADDRESS, "/10.0.0.1"));
        assertFalse(session.isAbsent(ADDRESS, "/10.0.0.1"));
        assertTrue(session.demand(ADDRESS, "/10.0.0.1").isEmpty(), "it is subscribed to");
    }

    @Test
    void knowsOfANameThatThereIsNothing_untilThereIs_andAgainWhenItGoes() {
        assertFalse(session.demand(ADDRESS, "/10.0.0.1").isEmpty());
        session.receive(response(ADDRESS).addRemovedResources("/10.0.0.1").build());
        assertTrue(session.isAbsent(ADDRESS, "/10.0.0.1"));
        session.receive(
                response(ADDRESS).addResources(workload("uid", "/10.0.0.1")).build());
        assertFalse(session.isAbsent(ADDRESS, "/10.0.0.1"));
        session.receive(response(ADDRESS).addRemovedResources("uid").build());
        assertTrue(session.isAbsent(ADDRESS, "/10.0.0.1"));
        assertTrue(session.demand(ADDRESS, "/10.0.0.1").isEmpty(), "it would be told");
    }

    @Test
    void forgetsTheEldestOfWhatIsNotThere_andWithdrawsIt() {
        for (int i = 0; i <= DeltaSession.ABSENT_MAX; i++) {
            assertFalse(session.demand(ADDRESS, "/" + i).isEmpty());
            session.receive(response(ADDRESS).addRemovedResources("/" + i).build());
        }
        assertEquals(List.of("/0"), session.takeForgotten(ADDRESS).orElseThrow().getResourceNamesUnsubscribeList());
        assertTrue(session.takeForgotten(ADDRESS).isEmpty());
        assertFalse(session.isAnswered(ADDRESS, "/0"));
        assertTrue(session.isAbsent(ADDRESS, "/1"));
        assertEquals(DeltaSession.ABSENT_MAX, opening().getInitialResourceVersionsCount());
        assertFalse(session.demand(ADDRESS, "/0").isEmpty());
    }

    @Test
    void takesARemovalForAnAnswer() {
        assertFalse(session.demand(ADDRESS, "/10.0.0.1").isEmpty());
        session.receive(response(ADDRESS).addRemovedResources("/10.0.0.1").build());
        assertEquals(Map.of("/10.0.0.1", ""), opening().getInitialResourceVersionsMap());
    }

    @Test
    void asksForNothingByName_ofATypeThatIsWantedWhole() {
        assertTrue(session.demand(AUTHORIZATION, "a/b").isEmpty());
        assertTrue(session.demand("other", "a/b").isEmpty());
    }

    @Test
    void boundsWhatIsAskedForAndNotAnswered() {
        for (int i = 0; i < DeltaSession.DEMANDS_MAX; i++) {
            assertFalse(session.demand(ADDRESS, "/" + i).isEmpty());
        }
        assertTrue(session.demand(ADDRESS, "/one-too-many").isEmpty());
        session.receive(response(ADDRESS).addRemovedResources("/5").build());
        assertFalse(session.demand(ADDRESS, "/one-too-many").isEmpty());
    }
}
