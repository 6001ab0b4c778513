package io.culvert.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FakesTest {
    @Test
    void tickerWrapsAroundAndDifferencesStayRight() {
        FakeTicker ticker = new FakeTicker();
        long before = ticker.nanoTime();
        ticker.advance(Duration.ofSeconds(10));
        assertTrue(ticker.nanoTime() < 0, "the default start is near the wrap-around");
        assertEquals(Duration.ofSeconds(10).toNanos(), ticker.getAsLong() - before);
        assertThrows(IllegalArgumentException.class, () -> ticker.advance(Duration.ofNanos(-1)));
    }

    @Test
    void instantSourceGoesBothWays() {
        FakeInstantSource clock = new FakeInstantSource(Instant.EPOCH);
        clock.advance(Duration.ofDays(1));
        clock.advance(Duration.ofDays(-3));
        assertEquals(Instant.EPOCH.minus(Duration.ofDays(2)), clock.instant());
        clock.set(Instant.MAX);
        assertEquals(Instant.MAX, clock.instant());
    }

    @Test
    void goldenNamesTheFirstLineThatDiffers(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("rules.txt"), "one\ntwo\nthree\n");
        Golden.assertMatches(folder, "rules.txt", "one\ntwo\nthree\n");
        AssertionError differs =
                assertThrows(AssertionError.class, () -> Golden.assertMatches(folder, "rules.txt", "one\n2\nthree\n"));
        String message = Objects.requireNonNull(differs.getMessage());
        assertTrue(message.contains("line 2") && message.contains("two"), message);
        assertThrows(AssertionError.class, () -> Golden.assertMatches(folder, "rules.txt", "one\ntwo\nthree\nfour\n"));
        assertThrows(AssertionError.class, () -> Golden.assertMatches(folder, "absent.txt", "x"));
    }

    @Test
    void censusFindsADescriptorThatStaysOpen() throws IOException {
        close(Pipe.open()); // the first one leaves a socket behind that the JVM keeps
        FdCensus before = FdCensus.ofSelf();
        Pipe pipe = Pipe.open();
        try {
            assertEquals(Map.of("pipe", 2), FdCensus.ofSelf().since(before));
        } finally {
            close(pipe);
        }
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
    }

    private static void close(Pipe pipe) throws IOException {
        pipe.sink().close();
        pipe.source().close();
    }

    @Test
    void eventuallyGivesUpAndSaysWhatItSawLast() {
        AssertionError late = assertThrows(
                AssertionError.class,
                () -> Eventually.passes("two is three", Duration.ofMillis(20), () -> assertEquals(3, 2)));
        String message = Objects.requireNonNull(late.getMessage());
        assertTrue(message.contains("two is three") && message.contains("expected: <3>"), message);
        int[] calls = {0};
        Eventually.holds("third call", Duration.ofSeconds(5), () -> ++calls[0] == 3);
        assertEquals(3, calls[0]);
        assertThrows(
                AssertionError.class, () -> Eventually.staysSo("small", Duration.ofSeconds(5), () -> calls[0]++ < 10));
    }
}
