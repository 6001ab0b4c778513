package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FakeInstantSource;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An authority that takes its time, and more to ask of it than may be asked at once. */
class CertificateCallsTest {
    private static final int CALLS_MAX = 2;
    private static final Duration SOON = Duration.ofSeconds(10);

    private final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    private final FakeCa ca = new FakeCa(clock);
    private final Semaphore answers = new Semaphore(0);
    private final List<SpiffeId> begun = new CopyOnWriteArrayList<>();
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final CallGate gate = new CallGate(CALLS_MAX);
    private final CertificateStore store = new CertificateStore(new CertificateKeeper.Surroundings(
            this::issue,
            Duration.ofHours(1),
            clock,
            Ticker.SYSTEM,
            () -> 0.5,
            gate,
            CrlStore.none(),
            TlsProfile.STANDARD));

    @AfterEach
    void close() {
        answers.release(1_000);
        store.close();
    }

    private CaClient.Issued issue(SpiffeId id, byte[] csr, Duration lifetime) throws CaClient.IssueException {
        begun.add(id);
        most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
        try {
            answers.acquire();
            return ca.issue(id, csr, lifetime);
        } catch (InterruptedException e) {
            throw new CaClient.IssueException(CaClient.IssueException.Kind.UNREACHABLE, "given up", e);
        } finally {
            underWay.decrementAndGet();
        }
    }

    private static SpiffeId id(String account) {
        return SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/" + account);
    }

    private void awaitBegun(int count) {
        Eventually.passes("calls are made", SOON, () -> assertEquals(count, begun.size()));
    }

    private void awaitQueue(int count) {
        Eventually.passes("they wait in line", SOON, () -> assertEquals(count, gate.waiting()));
    }

    private CompletableFuture<TlsMaterial> connection(SpiffeId id) {
        CompletableFuture<TlsMaterial> available = new CompletableFuture<>();
        Runnable _ = store.whenAvailable(id, available::complete);
        return available;
    }

    @Test
    void asksNoMoreAtOnceThanAllowed_andForEverythingInTheEnd() throws Exception {
        Set<SpiffeId> all =
                IntStream.range(0, 20).mapToObj(i -> id("account-" + i)).collect(Collectors.toSet());
        store.expect(all);
        awaitQueue(all.size() - CALLS_MAX);
        awaitBegun(CALLS_MAX);
        answers.release(all.size());
        for (SpiffeId id : all) {
            assertEquals(id, connection(id).get(10, TimeUnit.SECONDS).id());
        }
        assertEquals(CALLS_MAX, most.get());
        assertEquals(all.size(), begun.size());
    }

    @Test
    void asksFirstForWhatAConnectionWaitsFor_thenForWhatIsExpected_andRenewsLast() throws Exception {
        SpiffeId held = id("held");
        store.track(held);
        answers.release();
        connection(held).get(10, TimeUnit.SECONDS);
        // Both places are taken, and the others come in just the wrong order.
        store.expect(Set.of(id("busy"), id("busy-too")));
        awaitBegun(3);
        store.refresh();
        awaitQueue(1);
        store.track(id("expected"));
        awaitQueue(2);
        store.track(id("expected-then-wanted"));
        awaitQueue(3);
        CompletableFuture<TlsMaterial> wanted = connection(id("wanted"));
        awaitQueue(4);
        CompletableFuture<TlsMaterial> raised = connection(id("expected-then-wanted"));
        for (int i = 4; i <= 7; i++) {
            answers.release();
            awaitBegun(i);
        }
        assertEquals(
                List.of(id("expected-then-wanted"), id("wanted"), id("expected")),
                begun.subList(3, 6),
                "the one that waits longer, then the other, then the rest");
        answers.release(10);
        assertEquals(id("wanted"), wanted.get(10, TimeUnit.SECONDS).id());
        assertEquals(
                id("expected-then-wanted"), raised.get(10, TimeUnit.SECONDS).id());
    }

    @Test
    void asksOnceForEach_howeverManyThreadsWantIt() throws Exception {
        List<SpiffeId> ids =
                IntStream.range(0, 10).mapToObj(i -> id("account-" + i)).toList();
        List<CompletableFuture<TlsMaterial>> all = new CopyOnWriteArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 1_000; i++) {
                SpiffeId id = ids.get(i % ids.size());
                threads.execute(() -> all.add(connection(id)));
            }
            answers.release(ids.size());
        }
        for (CompletableFuture<TlsMaterial> each : all) {
            assertTrue(ids.contains(each.get(10, TimeUnit.SECONDS).id()));
        }
        assertEquals(1_000, all.size());
        assertEquals(ids.size(), begun.size());
    }

    @Test
    void forgetsWhatItStillAsksFor_andAsksAnew_onceThatIsWantedAgain() throws Exception {
        CompletableFuture<TlsMaterial> before = connection(id("gone"));
        awaitBegun(1);
        store.retain(id -> false);
        assertEquals(List.of(), store.statuses());
        CompletableFuture<TlsMaterial> after = connection(id("gone"));
        awaitBegun(2);
        answers.release();
        Eventually.passes("one call is over", SOON, () -> assertEquals(1, underWay.get()));
        answers.release();
        assertEquals(id("gone"), after.get(10, TimeUnit.SECONDS).id());
        assertFalse(before.isDone(), "whoever waited is gone too");
        assertEquals(1, store.statuses().size());
    }

    @Test
    void passesOver_whatIsForgottenWhileItWaitsInLine() throws Exception {
        store.expect(Set.of(id("busy"), id("busy-too")));
        awaitBegun(2);
        store.track(id("gone"));
        awaitQueue(1);
        store.track(id("patient"));
        awaitQueue(2);
        store.retain(id -> id.equals(id("patient")));
        answers.release(10);
        assertEquals(
                id("patient"),
                connection(id("patient")).get(10, TimeUnit.SECONDS).id());
        assertFalse(begun.contains(id("gone")), "nobody is asked for what nobody wants any more");
    }
}
