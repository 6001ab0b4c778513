package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.InvalidProtocolBufferException;
import io.culvert.protocol.Records;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Damaged messages are taken or rejected, and what is taken can be used. */
class MeshResourcesFuzz {
    @Test
    void damagedResourcesAreTakenOrRejected() {
        Gen.forAll(20_000, gen -> {
            MeshResource original = switch (gen.intBetween(0, 2)) {
                case 0 -> new MeshResource.OfWorkload(Records.workload(gen, "uid"));
                case 1 -> new MeshResource.OfService(Records.service(gen, Records.name(gen)));
                default -> new MeshResource.OfPolicy(Records.policy(gen, Records.name(gen)));
            };
            Resource whole = MeshResources.encode(original);
            Resource.Builder damaged = whole.toBuilder();
            damaged.setResource(whole.getResource().toBuilder()
                    .setValue(com.google.protobuf.ByteString.copyFrom(
                            gen.mutate(whole.getResource().getValue().toByteArray()))));
            use(MeshResources.decode(MeshResources.typeUrl(original), damaged.build()), gen);
        });
    }

    @Test
    void damagedResponsesNeverBreakASession() {
        Gen.forAll(5_000, gen -> {
            DeltaSession session = new DeltaSession(
                    Node.getDefaultInstance(), List.of(MeshResources.ADDRESS_TYPE, MeshResources.AUTHORIZATION_TYPE));
            byte[] whole = DeltaDiscoveryResponse.newBuilder()
                    .setTypeUrl(MeshResources.ADDRESS_TYPE)
                    .setNonce("1")
                    .addResources(MeshResources.encode(new MeshResource.OfWorkload(Records.workload(gen, "uid"))))
                    .addRemovedResources("gone")
                    .build()
                    .toByteArray();
            try {
                session.receive(DeltaDiscoveryResponse.parseFrom(gen.mutate(whole)));
            } catch (InvalidProtocolBufferException undecodable) {
                return;
            }
            assertFalse(session.open().isEmpty());
        });
    }

    private static void use(Converted<MeshResource> converted, Gen gen) {
        switch (converted) {
            case Converted.Taken<MeshResource>(MeshResource.OfWorkload(var workload), var warnings) ->
                assertFalse(workload.hasIdentity() && workload.identity().uri().isEmpty());
            case Converted.Taken<MeshResource>(MeshResource.OfService(var service), var warnings) ->
                assertFalse(service.key().toString().isEmpty());
            case Converted.Taken<MeshResource>(MeshResource.OfPolicy(var policy), var warnings) ->
                Authorizer.decide(List.of(policy), Records.facts(gen));
            case Converted.Rejected<MeshResource>(var fault) ->
                assertFalse(fault.explanation().isEmpty());
        }
    }
}
