package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.workload.Address;
import io.culvert.protocol.wire.workload.Workload;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeltaSessionTest {
    private static final String ADDRESS = MeshResources.ADDRESS_TYPE;
    private static final String AUTHORIZATION = MeshResources.AUTHORIZATION_TYPE;
    private static final Node NODE =
            Node.newBuilder().setId("ztunnel~1.1.1.1~a.b~b").build();

    private final DeltaSession session = new DeltaSession(NODE, List.of(ADDRESS, AUTHORIZATION));

    private static Resource good(String uid, String version) {
        Address address = Address.newBuilder()
                .setWorkload(Workload.newBuilder().setUid(uid))
                .build();
        return named(uid, version, address.toByteString());
    }

    private static Resource bad(String uid, String version) {
        return named(uid, version, ByteString.EMPTY);
    }

    private static Resource named(String name, String version, ByteString body) {
        return Resource.newBuilder()
                .setName(name)
                .setVersion(version)
                .setResource(Any.newBuilder().setTypeUrl(ADDRESS).setValue(body))
                .build();
    }

    private DeltaSession.Reception receive(String type, String nonce, List<Resource> resources, String... removed) {
        return session.receive(DeltaDiscoveryResponse.newBuilder()
                .setTypeUrl(type)
                .setNonce(nonce)
                .addAllResources(resources)
                .addAllRemovedResources(List.of(removed))
                .build());
    }

    private Map<String, String> told() {
        return session.open().getFirst().getInitialResourceVersionsMap();
    }

    @Test
    void opensWithOneWildcardRequestPerTypeInOrder() {
        List<DeltaDiscoveryRequest> requests = session.open();
        assertEquals(
                List.of(ADDRESS, AUTHORIZATION),
                requests.stream().map(DeltaDiscoveryRequest::getTypeUrl).toList());
        for (DeltaDiscoveryRequest request : requests) {
            assertEquals(NODE, request.getNode());
            assertEquals(0, request.getResourceNamesSubscribeCount());
            assertEquals(0, request.getInitialResourceVersionsCount());
            assertEquals("", request.getResponseNonce());
        }
    }

    @Test
    void acknowledgesWithTypeAndNonceOnly() {
        var reception = receive(ADDRESS, "n1", List.of(good("a", "1")));
        assertEquals(
                DeltaDiscoveryRequest.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .setResponseNonce("n1")
                        .build(),
                reception.reply());
        assertEquals("a", reception.accepted().getFirst().name());
        assertTrue(reception.subscribed());
    }

    @Test
    void takesTheGoodOnes_andRefusesWithEveryReason() {
        var reception = receive(ADDRESS, "n2", List.of(bad("x", "1"), good("a", "1"), bad("y", "1")), "gone");
        assertEquals(
                "x: type is missing; y: type is missing",
                reception.reply().getErrorDetail().getMessage());
        assertEquals(0, reception.reply().getErrorDetail().getCode());
        assertEquals("n2", reception.reply().getResponseNonce());
        assertEquals(
                List.of("a"),
                reception.accepted().stream().map(DeltaSession.Accepted::name).toList());
        assertEquals(List.of("gone"), reception.removed());
        assertEquals(2, reception.rejected().size());
    }

    @Test
    void tellsWhatItHoldsOnTheNextStream() {
        receive(ADDRESS, "n", List.of(good("a", "1"), good("b", "1"), bad("x", "1")));
        receive(ADDRESS, "n", List.of(good("b", "2"), good("c", "7")), "a", "unknown");
        assertEquals(Map.of("b", "2", "c", "7"), told());
        assertEquals(2, session.held(ADDRESS));
        assertEquals(Map.of(), session.open().get(1).getInitialResourceVersionsMap());
    }

    @Test
    void asksAgainForWhatWasRejectedAfterItHadBeenTaken() {
        receive(ADDRESS, "n", List.of(good("a", "1")));
        receive(ADDRESS, "n", List.of(bad("a", "2")));
        assertEquals(Map.of("a", ""), told());
        receive(ADDRESS, "n", List.of(good("a", "3")));
        assertEquals(Map.of("a", "3"), told());
    }

    @Test
    void isSyncedAfterAFirstResponseOfEveryType_evenARejectedOne() {
        assertFalse(session.isSynced());
        receive(ADDRESS, "n", List.of(bad("x", "1")));
        receive("type.googleapis.com/other", "n", List.of());
        assertFalse(session.isSynced());
        receive(AUTHORIZATION, "n", List.of());
        assertTrue(session.isSynced());
        session.open();
        assertTrue(session.isSynced());
    }

    @Test
    void acknowledgesAndIgnoresATypeItNeverAskedFor() {
        var reception = receive("type.googleapis.com/other", "n9", List.of(good("a", "1")), "b");
        assertFalse(reception.subscribed());
        assertEquals(List.of(), reception.accepted());
        assertEquals(List.of(), reception.removed());
        assertEquals("n9", reception.reply().getResponseNonce());
        assertFalse(reception.reply().hasErrorDetail());
    }

    @Test
    void shortensALongRefusal() {
        List<Resource> many = java.util.stream.IntStream.range(0, 1_000)
                .mapToObj(i -> bad("resource-" + i, "1"))
                .toList();
        String message = receive(ADDRESS, "n", many).reply().getErrorDetail().getMessage();
        assertTrue(message.length() <= DeltaSession.NACK_LENGTH_MAX, () -> "" + message.length());
        assertTrue(message.startsWith("resource-0: type is missing; resource-1: "));
        int told = message.split("resource-", -1).length - 1;
        assertTrue(message.endsWith("; and " + (1_000 - told) + " more"), message);
    }
}
