package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.culvert.protocol.Records;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Clause;
import io.culvert.protocol.wire.security.Match;
import io.culvert.protocol.wire.security.Rule;
import io.culvert.protocol.wire.security.StringMatch;
import io.culvert.testkit.Gen;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResponseReaderTest {
    private static final String ADDRESS = MeshResources.ADDRESS_TYPE;
    private static final String POLICY = MeshResources.AUTHORIZATION_TYPE;

    /** Remembers what it was handed. */
    private static final class Seen implements ResponseReader.Visitor {
        private final List<Resource> resources = new ArrayList<>();
        private final List<ConversionFault> faults = new ArrayList<>();
        private final List<Resource> heads = new ArrayList<>();

        @Override
        public void resource(Resource resource) {
            resources.add(resource);
        }

        @Override
        public void unreadable(ConversionFault fault) {
            faults.add(fault);
        }

        @Override
        public void headOfPolicy(Resource head) {
            heads.add(head);
        }
    }

    private static Resource resource(String name, int bytes) {
        return Resource.newBuilder()
                .setName(name)
                .setVersion("v")
                .setResource(Any.newBuilder().setTypeUrl(ADDRESS).setValue(ByteString.copyFrom(new byte[bytes])))
                .build();
    }

    private static ResponseReader open(byte[] bytes) throws IOException {
        return ResponseReader.open(new ByteArrayInputStream(bytes));
    }

    @Test
    void readsWhatTheWholeParserReads() {
        Gen.forAll(300, gen -> {
            DeltaDiscoveryResponse.Builder builder = DeltaDiscoveryResponse.newBuilder()
                    .setSystemVersionInfo(gen.text("abc", 5))
                    .setTypeUrl(ADDRESS)
                    .setNonce("n" + gen.intBetween(0, 9));
            for (int i = gen.size(40); i > 0; i--) {
                builder.addResources(
                        MeshResources.encode(new MeshResource.OfWorkload(Records.workload(gen, "uid-" + i))));
            }
            for (int i = gen.size(10); i > 0; i--) {
                builder.addRemovedResources("gone-" + i);
            }
            DeltaDiscoveryResponse whole = builder.build();
            ResponseReader reader = open(whole.toByteArray());
            assertEquals(
                    new ResponseReader.Head(
                            whole.getTypeUrl(),
                            whole.getNonce(),
                            whole.getRemovedResourcesList(),
                            whole.getResourcesCount()),
                    reader.head());
            Seen seen = new Seen();
            reader.resources(seen);
            assertEquals(whole.getResourcesList(), seen.resources);
            assertEquals(List.of(), seen.faults);
        });
    }

    @Test
    void knowsTheTypeBeforeTheResources_whateverTheOrderOnTheWire() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DeltaDiscoveryResponse.newBuilder()
                .addResources(resource("one", 3))
                .build()
                .writeTo(bytes);
        DeltaDiscoveryResponse.newBuilder().setTypeUrl(ADDRESS).build().writeTo(bytes);
        DeltaDiscoveryResponse.newBuilder()
                .addResources(resource("two", 3))
                .setNonce("7")
                .build()
                .writeTo(bytes);
        ResponseReader reader = open(bytes.toByteArray());
        assertEquals(new ResponseReader.Head(ADDRESS, "7", List.of(), 2), reader.head());
    }

    @Test
    void skipsAResourceThatIsTooLarge_andTellsItsName() throws IOException {
        Seen seen = new Seen();
        open(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .addResources(resource("large", MeshResources.RESOURCE_BYTES_MAX + 100_000))
                        .addResources(resource("small", 10))
                        .build()
                        .toByteArray())
                .resources(seen);
        assertEquals(
                List.of("small"), seen.resources.stream().map(Resource::getName).toList());
        assertEquals(
                "large: the resource is larger than allowed",
                seen.faults.getFirst().toString());
    }

    @Test
    void readsAPolicyThatIsTooLarge_butForItsRules() throws IOException {
        Authorization head = Authorization.newBuilder()
                .setName("p")
                .setNamespace("ns")
                .setScopeValue(1)
                .setActionValue(1)
                .setDryRun(true)
                .build();
        Authorization large = head.toBuilder()
                .addRules(Rule.newBuilder()
                        .addClauses(Clause.newBuilder()
                                .addMatches(Match.newBuilder()
                                        .addNamespaces(StringMatch.newBuilder()
                                                .setExact("x".repeat(MeshResources.RESOURCE_BYTES_MAX + 100_000))))))
                .build();
        Resource.Builder resource = Resource.newBuilder()
                .setName("ns/p")
                .setVersion("7")
                .setResource(Any.newBuilder().setTypeUrl(POLICY).setValue(large.toByteString()));
        DeltaDiscoveryResponse response = DeltaDiscoveryResponse.newBuilder()
                .setTypeUrl(POLICY)
                .addResources(resource)
                .addResources(resource("after", 10))
                .build();
        Seen seen = new Seen();
        open(response.toByteArray()).resources(seen);
        assertEquals(
                List.of(resource.setResource(Any.newBuilder().setTypeUrl(POLICY).setValue(head.toByteString()))
                        .build()),
                seen.heads);
        assertEquals(
                List.of("after"), seen.resources.stream().map(Resource::getName).toList());

        Seen ofAnotherType = new Seen();
        open(response.toBuilder().setTypeUrl(ADDRESS).build().toByteArray()).resources(ofAnotherType);
        assertEquals(List.of(), ofAnotherType.heads);
        assertEquals(1, ofAnotherType.faults.size());
    }

    @Test
    void skipsALargePolicyWhoseHeadIsNone_andGoesOn() throws IOException {
        ByteArrayOutputStream policy = new ByteArrayOutputStream();
        policy.write(new byte[MeshResources.RESOURCE_BYTES_MAX + 100_000]);
        Seen seen = new Seen();
        open(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl(POLICY)
                        .addResources(Resource.newBuilder()
                                .setName("ns/p")
                                .setResource(Any.newBuilder()
                                        .setTypeUrl(POLICY)
                                        .setValue(ByteString.copyFrom(policy.toByteArray()))))
                        .addResources(resource("after", 10))
                        .build()
                        .toByteArray())
                .resources(seen);
        assertEquals(List.of(), seen.heads);
        assertEquals(
                "ns/p: the resource is larger than allowed",
                seen.faults.getFirst().toString());
        assertEquals(
                List.of("after"), seen.resources.stream().map(Resource::getName).toList());
    }

    @Test
    void skipsAResourceThatIsNone_andGoesOn() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        // A length-delimited field 2 whose content is a name and then a truncated field.
        bytes.write(new byte[] {0x12, 6, 0x1a, 2, 'a', 'b', 0x12, 9});
        DeltaDiscoveryResponse.newBuilder()
                .addResources(resource("good", 10))
                .build()
                .writeTo(bytes);
        Seen seen = new Seen();
        open(bytes.toByteArray()).resources(seen);
        assertEquals(
                "ab: the resource is not a message of its type",
                seen.faults.getFirst().toString());
        assertEquals(1, seen.resources.size());
    }

    @Test
    void refusesWhatIsNoResponse_beforeAnythingIsHandedOver() {
        byte[] cut = DeltaDiscoveryResponse.newBuilder()
                .addResources(resource("one", 100))
                .addResources(resource("two", 100))
                .build()
                .toByteArray();
        assertThrows(IOException.class, () -> open(java.util.Arrays.copyOf(cut, cut.length - 1)));
        assertThrows(
                IOException.class,
                () -> open(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl("t".repeat(ResponseReader.NAME_BYTES_MAX + 1))
                        .build()
                        .toByteArray()));
        InputStream once = new FilterInputStream(InputStream.nullInputStream()) {
            @Override
            public boolean markSupported() {
                return false;
            }
        };
        assertThrows(IOException.class, () -> ResponseReader.open(once));
    }

    @Test
    void skipsARemovedNameThatIsTooLong() throws IOException {
        ResponseReader reader = open(DeltaDiscoveryResponse.newBuilder()
                .addRemovedResources("x".repeat(ResponseReader.NAME_BYTES_MAX + 1))
                .addRemovedResources("ok")
                .build()
                .toByteArray());
        assertEquals(List.of("ok"), reader.head().removed());
    }

    @Test
    void neverThrowsAnythingElse_whateverTheBytes() {
        byte[] whole = DeltaDiscoveryResponse.newBuilder()
                .setTypeUrl(ADDRESS)
                .setNonce("1")
                .addResources(resource("one", 20))
                .addResources(resource("two", 20))
                .addRemovedResources("gone")
                .build()
                .toByteArray();
        Gen.forAll(20_000, gen -> {
            Seen seen = new Seen();
            ResponseReader reader;
            try {
                reader = open(gen.mutate(whole));
            } catch (IOException malformed) {
                return;
            }
            reader.resources(seen);
            assertTrue(
                    seen.resources.size() + seen.faults.size() == reader.head().resources());
        });
    }
}
