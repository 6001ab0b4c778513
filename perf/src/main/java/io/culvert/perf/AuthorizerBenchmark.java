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
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one policy decision costs, where the last of the candidate policies allows the peer. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AuthorizerBenchmark {
    /** How many policies apply to the destination. */
    @Param({"0", "1", "10", "100"})
    public int policies;

    private List<Policy> candidates;
    private PeerFacts facts;

    /** Makes the candidates: all but the last name somebody else's service account or port. */
    @Setup
    public void makeCandidates() {
        facts = new PeerFacts(
                new PeerIdentity.Verified(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/web")),
                IpAddress.parse("10.42.0.2"),
                IpAddress.parse("10.42.0.3"),
                8080);
        candidates = IntStream.range(0, policies)
                .mapToObj(i -> policy(i, i == policies - 1 ? "web" : "other-" + i))
                .toList();
    }

    @Benchmark
    public Decision decide() {
        return Authorizer.decide(candidates, facts);
    }

    private static Policy policy(int number, String account) {
        Clause from = new Clause(List.of(match(
                List.of(new StringMatch.Exact("cluster.local/ns/shop/sa/" + account)),
                List.of(Cidr.parse("10.42.0.0/16")),
                List.of())));
        Clause to = new Clause(List.of(match(List.of(), List.of(), List.of(8080))));
        return new Policy(
                new NamespacedName("shop", "policy-" + number),
                Policy.Scope.WORKLOAD_SELECTOR,
                Policy.Action.ALLOW,
                List.of(new Rule(List.of(from, to))),
                false);
    }

    private static Match match(List<StringMatch> principals, List<Cidr> sources, List<Integer> ports) {
        return new Match(
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                principals,
                List.of(),
                sources,
                List.of(),
                List.of(),
                List.of(),
                ports,
                List.of());
    }
}
