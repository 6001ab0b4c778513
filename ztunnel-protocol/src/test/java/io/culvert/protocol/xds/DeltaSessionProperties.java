package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import io.culvert.protocol.Records;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.testkit.Gen;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A session against a server that sends only differences, over streams that break at any moment. */
class DeltaSessionProperties {
    private static final String BAD = "bad version ";
    private static final String TYPE = MeshResources.ADDRESS_TYPE;

    @Test
    void holdsWhatTheServerHolds_howeverOftenStreamsBreak() {
        Gen.forAll(1_500, gen -> {
            DeltaSession session = new DeltaSession(Node.getDefaultInstance(), List.of(TYPE));
            Server server = new Server();
            Map<String, MeshResource> mesh = new HashMap<>();
            server.connect(session.open().getFirst());
            for (int step = gen.intBetween(1, 30); step > 0; step--) {
                switch (gen.intBetween(0, 4)) {
                    case 0 -> server.connect(session.open().getFirst());
                    case 1, 2 -> server.exchange(session, mesh, gen.bool());
                    default -> server.change(gen);
                }
            }
            server.connect(session.open().getFirst());
            server.exchange(session, mesh, false);
            // Of what is bad an older version may be in force; what is gone is gone.
            assertTrue(server.resources.keySet().containsAll(mesh.keySet()), mesh::toString);
            assertTrue(mesh.keySet().containsAll(server.goodNames()), mesh::toString);
            server.resources.forEach((name, wire) -> {
                if (server.goodNames().contains(name)) {
                    assertEquals(wire, MeshResources.encode(java.util.Objects.requireNonNull(mesh.get(name))));
                }
            });
        });
    }

    /** Its mesh, and what it believes the client to hold. */
    private static final class Server {
        private final Map<String, Resource> resources = new HashMap<>();
        private final Map<String, String> sent = new HashMap<>();
        private int nonce;
        private int version;

        void connect(DeltaDiscoveryRequest first) {
            sent.clear();
            sent.putAll(first.getInitialResourceVersionsMap());
        }

        void change(Gen gen) {
            String name = "uid-" + gen.intBetween(0, 5);
            switch (gen.intBetween(0, 3)) {
                case 0 -> resources.remove(name);
                case 1 ->
                    resources.put(
                            name,
                            Resource.newBuilder()
                                    .setName(name)
                                    .setVersion(BAD + version++)
                                    .setResource(Any.newBuilder().setTypeUrl(TYPE))
                                    .build());
                default ->
                    resources.put(name, MeshResources.encode(new MeshResource.OfWorkload(Records.workload(gen, name))));
            }
        }

        Set<String> goodNames() {
            Set<String> names = new HashSet<>(resources.keySet());
            names.removeIf(name -> {
                Resource wire = resources.get(name);
                return wire != null && wire.getVersion().startsWith(BAD);
            });
            return names;
        }

        /** Sends the differences; a lost response is one that the server believes to have been taken. */
        void exchange(DeltaSession session, Map<String, MeshResource> mesh, boolean lost) {
            var response = DeltaDiscoveryResponse.newBuilder().setTypeUrl(TYPE).setNonce("n" + nonce++);
            resources.forEach((name, wire) -> {
                if (!wire.getVersion().equals(sent.get(name))) {
                    response.addResources(wire);
                }
            });
            sent.keySet().stream().filter(name -> !resources.containsKey(name)).forEach(response::addRemovedResources);
            sent.clear();
            resources.forEach((name, wire) -> sent.put(name, wire.getVersion()));
            if (lost) {
                connect(session.open().getFirst());
                return;
            }
            var reception = session.receive(response.build());
            reception.accepted().forEach(update -> mesh.put(update.name(), update.resource()));
            reception.removed().forEach(mesh::remove);
            assertEquals("n" + (nonce - 1), reception.reply().getResponseNonce());
            assertEquals(mesh.size(), session.held(TYPE));
        }
    }
}
