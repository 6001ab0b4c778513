package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.culvert.protocol.Records;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.security.Address;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Match;
import io.culvert.protocol.wire.security.StringMatch;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.testkit.Gen;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MeshResourcesProperties {
    private static MeshResource any(Gen gen) {
        return switch (gen.intBetween(0, 2)) {
            case 0 -> new MeshResource.OfWorkload(Records.workload(gen, "uid-" + gen.dnsLabel(9)));
            case 1 -> new MeshResource.OfService(Records.service(gen, Records.name(gen)));
            default -> new MeshResource.OfPolicy(Records.policy(gen, Records.name(gen)));
        };
    }

    @Test
    void whatIsWrittenReadsBackEqual_withoutAWord() {
        Gen.forAll(5_000, gen -> {
            MeshResource resource = any(gen);
            Resource wire = MeshResources.encode(resource);
            assertEquals(resource.resourceName(), wire.getName());
            assertEquals(
                    new Converted.Taken<>(resource, List.of()),
                    MeshResources.decode(MeshResources.typeUrl(resource), Resource.parseFrom(wire.toByteArray())));
        });
    }

    @Test
    void equalResourcesHaveEqualVersions_differentOnesDifferent() {
        Gen.forAll(1_000, gen -> {
            MeshResource one = any(new Gen(gen.seed()));
            MeshResource same = any(new Gen(gen.seed()));
            MeshResource other = any(gen);
            String version = MeshResources.encode(one).getVersion();
            assertEquals(version, MeshResources.encode(same).getVersion());
            assertEquals(16, version.length());
            assertEquals(
                    one.equals(other),
                    version.equals(MeshResources.encode(other).getVersion()));
        });
    }

    @Test
    void policyThatLostAnEntryNeverAllowsMoreNorDeniesLess() {
        AtomicInteger changed = new AtomicInteger();
        Gen.forAll(40_000, gen -> {
            Policy policy = Records.policy(gen, new NamespacedName("ns", "p"));
            Authorization.Builder wire = Authorization.newBuilder();
            wire.mergeFrom(PolicyCodec.write(policy));
            if (!spoil(wire, gen)) {
                return;
            }
            List<ConversionFault> warnings = new ArrayList<>();
            Policy spoilt = PolicyCodec.read("ns/p", wire.build(), warnings);
            PeerFacts facts = Records.facts(gen);
            boolean before = Authorizer.matches(policy, facts);
            boolean after = Authorizer.matches(spoilt, facts);
            assertFalse(warnings.isEmpty());
            boolean stricter = policy.action() == Policy.Action.ALLOW ? before || !after : !before || after;
            assertTrue(stricter, () -> policy + " became " + spoilt + " for " + facts);
            changed.addAndGet(before == after ? 0 : 1);
        });
        assertTrue(changed.get() > 40 || Long.getLong("culvert.seed") != null, changed::toString);
    }

    /** Makes one random entry of one random match unreadable; false when there was none. */
    private static boolean spoil(Authorization.Builder policy, Gen gen) {
        List<int[]> places = new ArrayList<>();
        for (int r = 0; r < policy.getRulesCount(); r++) {
            for (int c = 0; c < policy.getRules(r).getClausesCount(); c++) {
                for (int m = 0; m < policy.getRules(r).getClauses(c).getMatchesCount(); m++) {
                    places.add(new int[] {r, c, m});
                }
            }
        }
        if (places.isEmpty()) {
            return false;
        }
        int[] at = gen.pick(places);
        var rule = policy.getRules(at[0]).toBuilder();
        var clause = rule.getClauses(at[1]).toBuilder();
        Match.Builder match = clause.getMatches(at[2]).toBuilder();
        if (!spoil(match, gen)) {
            return false;
        }
        policy.setRules(at[0], rule.setClauses(at[1], clause.setMatches(at[2], match)));
        return true;
    }

    private static boolean spoil(Match.Builder match, Gen gen) {
        StringMatch untyped = StringMatch.getDefaultInstance();
        Address cut = Address.newBuilder()
                .setAddress(ByteString.copyFrom(new byte[] {10, 0, 0}))
                .build();
        int before = match.build().hashCode();
        switch (gen.intBetween(0, 9)) {
            case 0 -> index(gen, match.getNamespacesCount(), i -> match.setNamespaces(i, untyped));
            case 1 -> index(gen, match.getNotNamespacesCount(), i -> match.setNotNamespaces(i, untyped));
            case 2 -> index(gen, match.getPrincipalsCount(), i -> match.setPrincipals(i, untyped));
            case 3 -> index(gen, match.getNotPrincipalsCount(), i -> match.setNotPrincipals(i, untyped));
            case 4 -> index(gen, match.getSourceIpsCount(), i -> match.setSourceIps(i, cut));
            case 5 -> index(gen, match.getNotSourceIpsCount(), i -> match.setNotSourceIps(i, cut));
            case 6 -> index(gen, match.getDestinationIpsCount(), i -> match.setDestinationIps(i, cut));
            case 7 -> index(gen, match.getNotDestinationIpsCount(), i -> match.setNotDestinationIps(i, cut));
            case 8 -> index(gen, match.getDestinationPortsCount(), i -> match.setDestinationPorts(i, 70_000));
            default -> index(gen, match.getNotDestinationPortsCount(), i -> match.setNotDestinationPorts(i, -1));
        }
        return match.build().hashCode() != before;
    }

    private static void index(Gen gen, int count, java.util.function.IntConsumer change) {
        if (count > 0) {
            change.accept(gen.intBetween(0, count - 1));
        }
    }
}
