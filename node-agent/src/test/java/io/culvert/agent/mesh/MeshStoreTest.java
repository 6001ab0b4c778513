package io.culvert.agent.mesh;

import static io.culvert.agent.mesh.Records.pod;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class MeshStoreTest {
    private final MeshStore store = new MeshStore(MeshSnapshot.EMPTY);
    private final List<String> told = new ArrayList<>();

    @Test
    void publishesBeforeItTells() {
        List<MeshSnapshot> seen = new ArrayList<>();
        store.listen(snapshot -> {
            assertSame(snapshot, store.current());
            seen.add(snapshot);
        });
        MeshSnapshot next = store.current().toBuilder().build();

        store.publish(next);

        assertEquals(List.of(next), seen);
    }

    @Test
    void tellsListenersEveryTime_andWaitersOnce() {
        store.listen(snapshot -> told.add("listener"));
        store.onNextPublish(() -> told.add("waiter"));

        store.publish(next());
        store.publish(next());

        assertEquals(List.of("waiter", "listener", "listener"), told);
    }

    @Test
    void tellsNobodyWhoseRegistrationIsClosed() {
        store.listen(snapshot -> told.add("listener")).close();
        MeshStore.Registration waiter = store.onNextPublish(() -> told.add("waiter"));
        waiter.close();
        waiter.close();

        store.publish(next());

        assertEquals(List.of(), told);
    }

    @Test
    void tellsAnActionAsOftenAsItIsRegistered() {
        Runnable action = () -> told.add("waiter");
        store.onNextPublish(action);
        store.onNextPublish(action);

        store.publish(next());

        assertEquals(List.of("waiter", "waiter"), told);
    }

    @Test
    void tellsWaitersInTheOrderInWhichTheyCame() {
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            String name = "waiter " + i;
            MeshStore.Registration registration = store.onNextPublish(() -> told.add(name));
            if (i % 7 == 0) {
                registration.close();
            } else {
                expected.add(name);
            }
        }

        store.publish(next());

        assertEquals(expected, told);
    }

    @Test
    void leavesToTheNextPublicationWhoeverRegistersDuringOne() {
        store.onNextPublish(() -> store.onNextPublish(() -> told.add("second")));

        store.publish(next());
        assertEquals(List.of(), told);
        store.publish(next());
        assertEquals(List.of("second"), told);
    }

    @Test
    void tellsEverybody_evenWhenSomebodyThrows() {
        store.onNextPublish(() -> {
            throw new IllegalArgumentException("waiter");
        });
        store.listen(snapshot -> {
            throw new IllegalArgumentException("listener");
        });
        store.listen(snapshot -> told.add("listener"));

        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> store.publish(next()));

        assertEquals("waiter", thrown.getMessage());
        assertEquals(1, thrown.getSuppressed().length);
        assertEquals(List.of("listener"), told);
        assertThrows(IllegalArgumentException.class, () -> store.publish(next()), "the next publication goes ahead");
    }

    @Test
    void refusesASecondPublicationDuringOne() {
        store.onNextPublish(() -> store.publish(next()));

        assertThrows(IllegalStateException.class, () -> store.publish(next()));
    }

    @Test
    void versionsGrow_howeverASnapshotWasBuilt() {
        store.publish(next());
        store.publish(next());
        Workload workload = pod("a").build();

        store.publish(MeshSnapshot.EMPTY.toBuilder().upsert(workload).build());

        assertEquals(3, store.current().version());
        assertNotNull(store.current().workload(workload.uid()));
    }

    @Test
    void wakesAThreadThatWaitsForAWorkload() throws InterruptedException {
        Workload late = pod("late").build();
        CountDownLatch arrived = new CountDownLatch(1);
        store.onNextPublish(arrived::countDown);
        assertNull(store.current().workload(late.uid()));
        Thread writer = Thread.ofPlatform()
                .start(() ->
                        store.publish(store.current().toBuilder().upsert(late).build()));

        boolean inTime = arrived.await(10, TimeUnit.SECONDS);
        writer.join();

        assertEquals(true, inTime);
        assertEquals(late, store.current().workload(late.uid()));
    }

    private MeshSnapshot next() {
        return store.current().toBuilder().build();
    }
}
