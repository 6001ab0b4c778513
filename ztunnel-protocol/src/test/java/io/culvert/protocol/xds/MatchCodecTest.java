package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Policy.Action;
import io.culvert.protocol.policy.StringMatch.Exact;
import io.culvert.protocol.wire.security.Address;
import io.culvert.protocol.wire.security.Match;
import io.culvert.protocol.wire.security.StringMatch;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The table of {@link MatchCodec}. */
class MatchCodecTest {
    private static final StringMatch GOOD =
            StringMatch.newBuilder().setExact("ns").build();
    private static final StringMatch UNTYPED = StringMatch.getDefaultInstance();
    private static final Address SHORT =
            Address.newBuilder().setAddress(ByteString.copyFrom(new byte[3])).build();

    private final List<ConversionFault> warnings = new ArrayList<>();

    private io.culvert.protocol.policy.Match read(Action action, Consumer<Match.Builder> change) {
        Match.Builder wire = Match.newBuilder();
        change.accept(wire);
        warnings.clear();
        return new MatchCodec("ns/p", action, warnings).read(wire.build());
    }

    @Test
    void allowKeepsThePositiveEntriesThatAreLeft() {
        var match = read(Action.ALLOW, m -> m.addNamespaces(UNTYPED).addNamespaces(GOOD));
        assertEquals(List.of(new Exact("ns")), match.namespaces());
        assertEquals(
                List.of(new ConversionFault("ns/p", Reason.BAD_STRING_MATCH, "rules.clauses.matches.namespaces")),
                warnings);
    }

    @Test
    void allowNeverMatches_whenNoPositiveEntryIsLeft() {
        assertEquals(
                io.culvert.protocol.policy.Match.NEVER,
                read(Action.ALLOW, m -> m.addNamespaces(GOOD).addSourceIps(SHORT)));
        assertEquals(Reason.BAD_ADDRESS, warnings.getFirst().reason());
    }

    @Test
    void allowNeverMatches_whenANegativeEntryIsLost() {
        assertEquals(
                io.culvert.protocol.policy.Match.NEVER,
                read(
                        Action.ALLOW,
                        m -> m.addNamespaces(GOOD).addNotNamespaces(GOOD).addNotNamespaces(UNTYPED)));
    }

    @Test
    void denyDropsThePositiveList_becauseItMightHaveMatchedAnything() {
        var match = read(
                Action.DENY,
                m -> m.addNamespaces(GOOD).addDestinationPorts(70_000).addDestinationPorts(80));
        assertEquals(List.of(), match.destinationPorts());
        assertEquals(List.of(new Exact("ns")), match.namespaces());
        assertEquals(Reason.BAD_PORT, warnings.getFirst().reason());
    }

    @Test
    void denyAlwaysMatches_whenNothingConstrainsItAnyMore() {
        assertEquals(io.culvert.protocol.policy.Match.ALWAYS, read(Action.DENY, m -> m.addPrincipals(UNTYPED)));
        assertEquals(io.culvert.protocol.policy.Match.ALWAYS, read(Action.DENY, m -> m.addNotDestinationIps(SHORT)));
    }

    @Test
    void denyDropsOnlyTheNegativeEntryThatIsLost() {
        Address ten = Address.newBuilder()
                .setAddress(ByteString.copyFrom(new byte[] {10, 0, 0, 0}))
                .setLength(8)
                .build();
        var match = read(Action.DENY, m -> m.addNotSourceIps(SHORT).addNotSourceIps(ten));
        assertEquals(List.of(Cidr.parse("10.0.0.0/8")), match.notSourceIps());
    }

    @Test
    void matchWithoutConditionsStaysWithout() {
        for (Action action : Action.values()) {
            assertEquals(io.culvert.protocol.policy.Match.NEVER, read(action, m -> {}));
            assertEquals(List.of(), warnings);
        }
    }
}
