package io.culvert.agent.telemetry.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LineFormatTest {
    private static final LogFields FIELDS = sink -> {
        sink.plain("src.addr", "10.0.0.1:80");
        sink.text("dst.service", "a \"b\"\n");
        sink.number("bytes_sent", 5);
    };

    private static LogRecord entry(LogFields fields) {
        LogRecord entry = new FieldRecord(Level.INFO, "io.culvert.agent.proxy.PodProxy", "pod \"a\" is {0}", fields);
        entry.setInstant(Instant.parse("2026-01-02T03:04:05.678901234Z"));
        entry.setParameters(new Object[] {"up"});
        return entry;
    }

    private static String line(LineFormat format, LogRecord entry) {
        StringBuilder out = new StringBuilder();
        format.append(entry, out);
        return out.toString();
    }

    @Test
    void writesForPeople() {
        assertEquals(
                "2026-01-02T03:04:05.678901Z\tinfo\tproxy.PodProxy\tpod \"a\" is up\t"
                        + "src.addr=10.0.0.1:80 dst.service=\"a \\\"b\\\"\\n\" bytes_sent=5\n",
                line(new PlainLines(), entry(FIELDS)));
    }

    @Test
    void writesForMachines() {
        assertEquals(
                "{\"level\":\"info\",\"time\":\"2026-01-02T03:04:05.678901Z\",\"scope\":\"proxy.PodProxy\","
                        + "\"message\":\"pod \\\"a\\\" is up\",\"src.addr\":\"10.0.0.1:80\","
                        + "\"dst.service\":\"a \\\"b\\\"\\n\",\"bytes_sent\":5}\n",
                line(new JsonLines(), entry(FIELDS)));
    }

    @Test
    void writesStacks() {
        LogRecord entry = entry(LogFields.NONE);
        entry.setThrown(new IllegalStateException("bad\nday"));
        String plain = line(new PlainLines(), entry);
        assertTrue(plain.contains("\n    java.lang.IllegalStateException: bad"), plain);
        assertTrue(plain.contains("\n    at io.culvert.agent.telemetry.log.LineFormatTest"), plain);
        String json = line(new JsonLines(), entry);
        assertEquals(1, json.lines().count());
        assertTrue(json.contains("\"stack\":\"java.lang.IllegalStateException: bad\\nday"), json);
    }

    @Test
    void cutsLongTexts() {
        LogRecord entry = new LogRecord(Level.INFO, "x".repeat(100_000));
        assertTrue(line(new PlainLines(), entry).length() < 9_000);
        assertTrue(line(new JsonLines(), entry).length() < 9_000);
    }

    @Test
    void bearsMessages_thatAreNoPatterns() {
        LogRecord entry = new LogRecord(Level.INFO, "{not a pattern");
        entry.setParameters(new Object[] {1});
        assertTrue(line(new PlainLines(), entry).endsWith("\t{not a pattern\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "SEVERE, error",
        "WARNING, warn",
        "INFO, info",
        "CONFIG, debug",
        "FINE, debug",
        "FINER, trace",
        "FINEST, trace"
    })
    void spellsLevels(String level, String word) {
        assertEquals(word, LineFormat.level(Level.parse(level)));
    }

    @ParameterizedTest
    @CsvSource({
        "io.culvert.agent.proxy.PodProxy, proxy.PodProxy",
        "io.culvert.cni.enroll.PodWatcher, cni.enroll.PodWatcher",
        "io.netty.channel.Foo, io.netty.channel.Foo",
        "access, access",
        "'', culvert"
    })
    void spellsScopes(String logger, String scope) {
        assertEquals(scope, LineFormat.scope(logger));
    }
}
