package io.culvert.control.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class FileChangesTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @Test
    void anEventIsToldAtOnce() throws Exception {
        try (FileChanges changes = new FileChanges(directory.resolve("mesh.yaml"))) {
            Files.writeString(directory.resolve("mesh.yaml"), "a");
            long from = System.nanoTime();
            assertTrue(changes.await(LONG));
            assertTrue(System.nanoTime() - from < TimeUnit.SECONDS.toNanos(5));
        }
    }

    @Test
    void whatHappensWhileNobodyIsToldIsLookedAtAfterwards() throws Exception {
        try (FileChanges changes = new FileChanges(directory.resolve("mesh.yaml"))) {
            Files.writeString(directory.resolve("mesh.yaml"), "a");
            assertTrue(changes.await(LONG));
            Files.writeString(directory.resolve("mesh.yaml"), "b");
            long from = System.nanoTime();
            assertTrue(changes.await(LONG));
            assertTrue(System.nanoTime() - from < TimeUnit.SECONDS.toNanos(5));
        }
    }

    /** As a log of the agent's own may be. */
    @Test
    void aFileBesideItThatIsAlwaysWrittenTakesLittleTime() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        try (FileChanges changes = new FileChanges(directory.resolve("mesh.yaml"))) {
            Thread writer = Thread.ofPlatform().start(() -> writeForEver(directory.resolve("agent.log"), over));
            int told = 0;
            long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500);
            while (System.nanoTime() < until) {
                assertTrue(changes.await(LONG));
                told++;
            }
            over.set(true);
            writer.join();
            // Each of two or three rests ends with a look of its own.
            assertTrue(told <= 2 * 3 + 1, told + " events");
            assertTrue(told >= 2, told + " events");
        }
    }

    private static void writeForEver(Path log, AtomicBoolean over) {
        try (var out = Files.newOutputStream(log)) {
            while (!over.get()) {
                out.write('x');
            }
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void nothingIsWaitedForOnceItIsClosed() throws Exception {
        FileChanges changes = new FileChanges(directory.resolve("mesh.yaml"));
        changes.close();
        assertEquals(false, changes.await(LONG));
    }
}
