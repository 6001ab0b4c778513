package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValueTextTest {
    @ParameterizedTest
    @CsvSource({
        "10s, PT10S",
        "180, PT3M",
        "180 s, PT3M",
        "180sec, PT3M",
        "500ms, PT0.5S",
        "1h30m, PT1H30M",
        "1h 30m, PT1H30M",
        "5min, PT5M",
        "2d, PT48H",
        "250us, PT0.00025S",
        "7ns, PT0.000000007S",
        "0s, PT0S",
    })
    void readsDurations(String text, Duration expected) {
        assertEquals(expected, ValueText.duration(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "s",
                "10 parsecs",
                "10s!",
                "-1s",
                "1.5s",
                "s10",
                "9999999999999999999s",
                "999999999999999999d",
                "99999999999",
                "10s;",
                "１０s"
            })
    void refusesWhatIsNoDuration(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> ValueText.duration(text))
                .getMessage();
        assertTrue(message != null && message.contains("write"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "65535, 65535",
        "4MiB, 4194304",
        "16Mi, 16777216",
        "64KiB, 65536",
        "1GiB, 1073741824",
        "7B, 7",
        "4 MiB, 4194304"
    })
    void readsSizes(String text, long expected) {
        assertEquals(expected, ValueText.size(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "4MB", "4k", "MiB", "-1", "1.5MiB", "999999999999999999GiB"})
    void refusesWhatIsNoSize(String text) {
        assertThrows(IllegalArgumentException.class, () -> ValueText.size(text));
    }

    @ParameterizedTest
    @CsvSource({"2, 2000", "1.5, 1500", "500m, 500", "0.25, 250", "1.0005, 1000"})
    void readsCpuQuantities(String text, long milli) {
        assertEquals(milli, ValueText.milliCpus(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "1.5m", "two", "-1", "1e3", ".5"})
    void refusesWhatIsNoCpuQuantity(String text) {
        assertThrows(IllegalArgumentException.class, () -> ValueText.milliCpus(text));
    }

    @ParameterizedTest
    @CsvSource({"500, 1", "1000, 1", "1001, 2", "1500, 2"})
    void roundsCpusUp(long milli, int cpus) {
        assertEquals(cpus, ValueText.wholeCpus(milli));
    }

    @ParameterizedTest
    @CsvSource({"4, 4", "0, 10", "50%, 5", "25%, 3", "1%, 1", "100%, 10", "200%, 20"})
    void readsThreads_ofTenCpus(String text, int threads) {
        assertEquals(threads, ValueText.threads(text, 10));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "%", "0%", "1001%", "-1", "4.5", "99999"})
    void refusesWhatIsNoNumberOfThreads(String text) {
        assertThrows(IllegalArgumentException.class, () -> ValueText.threads(text, 10));
    }

    @Test
    void cutsLongTexts_inMessages() {
        String message = assertThrows(IllegalArgumentException.class, () -> ValueText.size("x".repeat(10_000)))
                .getMessage();
        assertTrue(message != null && message.length() < 200, message);
    }
}
