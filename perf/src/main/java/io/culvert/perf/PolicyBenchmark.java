package io.culvert.perf;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.workload.NamespacedName;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one decision costs at its dearest: every candidate is looked at, because those that deny do not match and none
 * that allows exists, and each has to compare the peer's principal before it knows.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PolicyBenchmark {
    /** How many policies apply to the destination. */
    @Param({"10", "1000"})
    public int policies;

    private List<Policy> candidates;
    private PeerFacts verified;
    private PeerFacts plaintext;

    /** Makes DENY policies that name others' principals by every kind of comparison, within the peer's own network. */
    @Setup(Level.Trial)
    public void makeCandidates() {
        SpiffeId id = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/web");
        IpAddress source = IpAddress.parse("10.42.0.2");
        IpAddress destination = IpAddress.parse("10.42.0.3");
        verified = new PeerFacts(new PeerIdentity.Verified(id), source, destination, 8080);
        plaintext = new PeerFacts(PeerIdentity.PLAINTEXT, source, destination, 8080);
        candidates =
                IntStream.range(0, policies).mapToObj(PolicyBenchmark::deny).toList();
    }

    @Benchmark
    public Decision decideForIdentity() {
        return Authorizer.decide(candidates, verified);
    }

    @Benchmark
    public Decision decideForPlaintext() {
        return Authorizer.decide(candidates, plaintext);
    }

    @Benchmark
    public List<Policy> askForDryRunMatches() {
        return Authorizer.dryRunMatches(candidates, verified);
    }

    private static Policy deny(int number) {
        Match match = new Match(
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(
                        new StringMatch.Exact("cluster.local/ns/shop/sa/w" + number),
                        new StringMatch.Prefix("cluster.local/ns/shop-" + number + "/"),
                        new StringMatch.Suffix("/sa/other-" + number)),
                List.of(),
                List.of(Cidr.parse("10.42.0.0/16")),
                List.of(),
                List.of(),
                List.of(),
                List.of(8080),
                List.of());
        return new Policy(
                new NamespacedName("shop", "policy-" + number),
                Policy.Scope.NAMESPACE,
                Policy.Action.DENY,
                List.of(new Rule(List.of(new Clause(List.of(match))))),
                false);
    }
}
