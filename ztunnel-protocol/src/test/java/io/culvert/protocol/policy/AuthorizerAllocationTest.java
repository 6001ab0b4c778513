package io.culvert.protocol.policy;

import static io.culvert.protocol.policy.Policies.deny;
import static io.culvert.protocol.policy.Policies.match;
import static io.culvert.protocol.policy.Policies.rule;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Counts the bytes that decisions allocate on this thread. */
class AuthorizerAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int ROUNDS = 5_000;
    /** A header and two references; the platform may pad it. */
    private static final long DECISION_BYTES_MAX = 24;

    private static final PeerFacts WEB = Policies.from("spiffe://td/ns/shop/sa/web");

    private static List<Policy> candidates() {
        List<Policy> out = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            var match = match();
            match.namespaces = List.of(new StringMatch.Prefix("sh"), new StringMatch.Exact("x" + i));
            match.serviceAccounts = List.of(new ServiceAccountMatch("shop", "web"));
            match.principals = List.of(
                    new StringMatch.Suffix("/sa/web"),
                    new StringMatch.Prefix("td/"),
                    new StringMatch.Exact("td/ns/shop/sa/x" + i));
            match.notPrincipals = List.of(new StringMatch.Suffix("sa/x" + i));
            match.sourceIps = List.of(Cidr.parse("10.0.0.0/8"));
            match.notDestinationIps = List.of(Cidr.parse("fd00::/8"));
            match.ports = List.of(50_000 + i);
            out.add(deny("d" + i, rule(match.build())));
        }
        return out;
    }

    @Test
    void decidingByDefaultAllocatesNothing() {
        List<Policy> candidates = candidates();
        assertEquals(0, bytesPerCall(() -> Authorizer.decide(candidates, WEB)));
    }

    @Test
    void decidingByPolicyAllocatesTheDecisionOnly() {
        List<Policy> candidates = candidates();
        candidates.add(Policies.allow("a", Policies.EVERYTHING));
        long bytes = bytesPerCall(() -> Authorizer.decide(candidates, WEB));
        assertTrue(bytes <= DECISION_BYTES_MAX, () -> bytes + " bytes");
        candidates.add(deny("last", Policies.EVERYTHING));
        long denyBytes = bytesPerCall(() -> Authorizer.decide(candidates, WEB));
        assertTrue(denyBytes <= DECISION_BYTES_MAX, () -> denyBytes + " bytes");
    }

    @Test
    void askingForDryRunMatchesAllocatesNothing_whenThereAreNone() {
        List<Policy> candidates = candidates();
        assertEquals(0, bytesPerCall(() -> Authorizer.dryRunMatches(candidates, WEB)));
    }

    private static long bytesPerCall(Supplier<Object> call) {
        long least = Long.MAX_VALUE;
        // The first rounds run interpreted and load classes; the least of some is what the call itself needs.
        for (int round = 0; round < 5; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ROUNDS; i++) {
                sink = call.get();
            }
            least = Math.min(least, (THREADS.getCurrentThreadAllocatedBytes() - before) / ROUNDS);
        }
        assertNotNull(sink);
        return least;
    }

    /** Keeps the result alive, so that it is really made. */
    private static volatile Object sink = "";
}
