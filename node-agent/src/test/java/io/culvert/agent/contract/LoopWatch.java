package io.culvert.agent.contract;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import reactor.blockhound.BlockHound;

/** Notes every blocking call on a thread of a loop, with where it came from; it is let through all the same. */
final class LoopWatch {
    private static final ConcurrentLinkedQueue<Throwable> SEEN = new ConcurrentLinkedQueue<>();

    static {
        BlockHound.builder()
                .nonBlockingThreadPredicate(
                        others -> others.or(thread -> thread.getName().startsWith("loop-")))
                // A loop that has ended says so through Netty's global executor, with a lock; nobody waits for it any
                // more.
                .allowBlockingCallsInside("io.netty.util.concurrent.GlobalEventExecutor", "addTask")
                .blockingMethodCallback(method -> SEEN.add(new Throwable("a loop called " + method)))
                .install();
    }

    private LoopWatch() {}

    /** Watches from now on; once is enough. */
    static void begin() {
        List<Throwable> _ = take();
    }

    /** What was seen since the last time. */
    static List<Throwable> take() {
        List<Throwable> seen = new ArrayList<>();
        for (Throwable one = SEEN.poll(); one != null; one = SEEN.poll()) {
            seen.add(one);
        }
        return seen;
    }

    /** Nothing was seen since the last time. */
    static void assertNothing() {
        List<Throwable> seen = take();
        if (!seen.isEmpty()) {
            AssertionError failure = new AssertionError(seen.size() + " blocking calls on a loop", seen.getFirst());
            seen.subList(1, Math.min(seen.size(), 10)).forEach(failure::addSuppressed);
            throw failure;
        }
    }
}
