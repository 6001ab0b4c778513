package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class AlarmTest {
    @Test
    @Timeout(30)
    void runsTheAction_onAVirtualThread() {
        CompletableFuture<Boolean> virtual = new CompletableFuture<>();
        Alarm.SYSTEM.after(
                Duration.ofMillis(1),
                () -> virtual.complete(Thread.currentThread().isVirtual()));
        assertTrue(virtual.join());
    }
}
