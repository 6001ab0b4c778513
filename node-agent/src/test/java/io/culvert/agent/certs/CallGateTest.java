package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.certs.CallGate.Priority;
import io.culvert.testkit.Eventually;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class CallGateTest {
    private final CallGate gate = new CallGate(1);
    private final BlockingQueue<String> entered = new LinkedBlockingQueue<>();

    private Thread begin(String name, AtomicReference<Priority> priority) {
        int before = gate.waiting();
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                gate.enter(priority::get);
                entered.add(name);
            } catch (InterruptedException e) {
                entered.add(name + " gave up");
            }
        });
        Eventually.holds(
                name + " has come", Duration.ofSeconds(10), () -> gate.waiting() > before || !entered.isEmpty());
        return thread;
    }

    private Thread begin(String name, Priority priority) {
        return begin(name, new AtomicReference<>(priority));
    }

    private String next() throws InterruptedException {
        return String.valueOf(entered.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void letsTheMostUrgentInFirst_andOfTheSameTheFirst() throws InterruptedException {
        Thread _ = begin("first", Priority.BACKGROUND);
        assertEquals("first", next());
        Thread _ = begin("renewal", Priority.BACKGROUND);
        Thread _ = begin("warm-up", Priority.WARMUP);
        Thread _ = begin("wanted", Priority.REAL_TIME);
        Thread _ = begin("wanted too", Priority.REAL_TIME);
        for (String name : new String[] {"wanted", "wanted too", "warm-up", "renewal"}) {
            assertTrue(entered.isEmpty());
            gate.leave();
            assertEquals(name, next());
        }
    }

    @Test
    void noticesThatOneBecameUrgent_whileItWaited() throws InterruptedException {
        Thread _ = begin("first", Priority.BACKGROUND);
        assertEquals("first", next());
        AtomicReference<Priority> raised = new AtomicReference<>(Priority.BACKGROUND);
        Thread _ = begin("warm-up", Priority.WARMUP);
        Thread _ = begin("raised", raised);
        raised.set(Priority.REAL_TIME);
        gate.leave();
        assertEquals("raised", next());
    }

    @Test
    void passesOnThePlaceOfOneWhoGaveUp() throws InterruptedException {
        Thread _ = begin("first", Priority.BACKGROUND);
        assertEquals("first", next());
        Thread impatient = begin("impatient", Priority.REAL_TIME);
        Thread _ = begin("patient", Priority.BACKGROUND);
        impatient.interrupt();
        assertEquals("impatient gave up", next());
        gate.leave();
        assertEquals("patient", next());
    }
}
