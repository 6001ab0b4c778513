package io.culvert.agent.base;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs an action once, later.
 *
 * <p>Runs on: any; the system alarm runs each action on a virtual thread of its own.
 */
@FunctionalInterface
public interface Alarm {
    Alarm SYSTEM = (delay, action) -> CompletableFuture.delayedExecutor(
                    delay.toNanos(),
                    TimeUnit.NANOSECONDS,
                    task -> Thread.ofVirtual().name("ctl-alarm").start(task))
            .execute(action);

    /** Runs the action after the delay, which is not negative. */
    void after(Duration delay, Runnable action);
}
