package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.FakeInstantSource;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CertificateStoreTest {
    private static final SpiffeId FIRST = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/first");
    private static final SpiffeId SECOND = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/second");

    private final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    private final FakeCa ca = new FakeCa(clock);
    private final CertificateStore store = new CertificateStore(new CertificateKeeper.Surroundings(
            ca,
            Duration.ofHours(1),
            clock,
            Ticker.SYSTEM,
            () -> 0.5,
            new CallGate(2),
            CrlStore.none(),
            TlsProfile.STANDARD));

    @AfterEach
    void close() {
        store.close();
    }

    private TlsMaterial await(SpiffeId id) throws Exception {
        CompletableFuture<TlsMaterial> available = new CompletableFuture<>();
        Runnable _ = store.whenAvailable(id, available::complete);
        return available.get(10, TimeUnit.SECONDS);
    }

    @Test
    void knowsNobody_untilAsked() {
        assertNull(store.current(FIRST));
        assertEquals(List.of(), store.statuses());
    }

    @Test
    void fetchesOncePerIdentity_howeverManyAsk() throws Exception {
        store.track(FIRST);
        store.track(FIRST);
        TlsMaterial first = await(FIRST);
        assertSame(first, await(FIRST));
        assertSame(first, store.current(FIRST));
        assertEquals(SECOND, await(SECOND).id());
        assertEquals(2, ca.callCount());
        assertEquals(
                List.of(FIRST, SECOND),
                store.statuses().stream().map(CertificateStatus::id).toList());
    }

    @Test
    void forgetsWhatIsNotWantedAnyMore_andStartsFreshWhenItIsAgain() throws Exception {
        TlsMaterial first = await(FIRST);
        TlsMaterial second = await(SECOND);
        store.retain(SECOND::equals);
        assertNull(store.current(FIRST));
        assertSame(second, store.current(SECOND));
        assertNotSame(first, await(FIRST));
    }

    @Test
    void renewsAtOnce_whenTheRootsChanged() throws Exception {
        TlsMaterial first = await(FIRST);
        store.refresh();
        CompletableFuture<Boolean> renewed = CompletableFuture.supplyAsync(() -> {
            while (store.current(FIRST) == first) {
                Thread.onSpinWait();
            }
            return true;
        });
        assertEquals(true, renewed.get(10, TimeUnit.SECONDS));
    }

    @Test
    void fetchesAheadWhatIsExpected_andKeepsItThoughNobodyWantsItYet() throws Exception {
        store.expect(Set.of(FIRST));
        TlsMaterial first = await(FIRST);
        store.retain(id -> false);
        assertSame(first, store.current(FIRST));
        store.expect(Set.of());
        assertSame(first, store.current(FIRST));
        store.retain(id -> false);
        assertNull(store.current(FIRST));
    }
}
