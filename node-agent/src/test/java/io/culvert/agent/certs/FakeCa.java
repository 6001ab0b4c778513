package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** Answers or fails as the test says. */
final class FakeCa implements CaClient {
    private final TestCa authority = TestCa.root("root");
    private final InstantSource clock;
    final List<SpiffeId> calls = new ArrayList<>();
    boolean fails;
    IssueException.Kind failure = IssueException.Kind.UNREACHABLE;
    boolean answersForAnother;
    Duration aheadOfUs = Duration.ZERO;

    FakeCa(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public synchronized Issued issue(SpiffeId id, byte[] csr, Duration lifetime) throws IssueException {
        calls.add(id);
        if (fails) {
            throw new IssueException(failure, "the authority is away");
        }
        SpiffeId answered = answersForAnother ? SpiffeId.parse("spiffe://cluster.local/ns/else/sa/where") : id;
        Instant now = clock.instant().plus(aheadOfUs);
        return authority.issue(csr, TestCa.leaf(answered).valid(now.minusSeconds(60), now.plus(lifetime)));
    }

    synchronized int callCount() {
        return calls.size();
    }
}
