package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** The watch over the loops would catch what it is there for. */
class LoopWatchTest {
    private static List<Throwable> seenWhile(RealNet.Step step) {
        LoopWatch.begin();
        try (RealNet net = new RealNet(1)) {
            net.run(net.loop(0), step);
        }
        return LoopWatch.take();
    }

    @Test
    void noticesALoopThatWaits() {
        List<Throwable> seen = seenWhile(() -> LockSupport.parkNanos(1));
        assertTrue(seen.getFirst().toString().contains("park"), seen::toString);
        assertTrue(
                List.of(seen.getFirst().getStackTrace()).stream()
                        .anyMatch(frame -> frame.getClassName().equals(LoopWatchTest.class.getName())),
                "and where");
    }

    @Test
    void noticesALoopThatAwaitsAnotherThread() {
        CountDownLatch never = new CountDownLatch(1);
        List<Throwable> seen = seenWhile(() -> assertTrue(!never.await(300, TimeUnit.MILLISECONDS)));
        assertTrue(!seen.isEmpty());
    }

    @Test
    void noticesALoopThatReadsAFile() {
        List<Throwable> seen = seenWhile(() -> {
            try (InputStream file = Files.newInputStream(Path.of("/proc/self/stat"))) {
                assertTrue(file.read() > 0);
            }
            try (java.io.FileInputStream file = new java.io.FileInputStream("/proc/self/stat")) {
                assertTrue(file.read() > 0);
            }
        });
        assertTrue(!seen.isEmpty());
    }

    @Test
    void leavesOtherThreadsAlone() throws IOException {
        LoopWatch.begin();
        LockSupport.parkNanos(1);
        assertEquals(List.of(), LoopWatch.take());
    }

    @Test
    void failsTheTestThatAsks() {
        List<Throwable> _ = seenWhile(() -> {});
        try (RealNet net = new RealNet(1)) {
            net.run(net.loop(0), () -> LockSupport.parkNanos(1));
        }
        assertThrows(AssertionError.class, LoopWatch::assertNothing);
    }
}
