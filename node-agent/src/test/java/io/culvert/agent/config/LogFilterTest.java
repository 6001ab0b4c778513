package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.config.LogFilter.Level;
import io.culvert.testkit.Gen;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LogFilterTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|info",
                "debug|debug",
                "INFO|info",
                "access=debug|info,access=debug",
                "warn,proxy=trace,access=off|warn,access=off,proxy=trace",
                "ztunnel::proxy=debug|info,ztunnel.proxy=debug",
                "info, access = debug ,|info,access=debug",
                "access|info,access=trace",
                "info,debug|debug",
                "access=info,access=warn|info,access=warn"
            })
    void readsDirectives(String text, String canonical) {
        assertEquals(canonical, LogFilter.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "access=loud",
                "=debug",
                "a b=debug",
                "[span]=debug",
                ".x=debug",
                "access==debug",
                "proxy{peer=1}=info"
            })
    void refusesOtherDirectives(String text) {
        assertThrows(IllegalArgumentException.class, () -> LogFilter.parse(text));
    }

    @ParameterizedTest
    @CsvSource({
        "inof, info",
        "Warning, warn",
        "wran, warn",
        "of, off",
        "eror, error",
        "err, error",
        "deubg, debug",
        "tarce, trace",
        "none, off",
        "debgu, debug"
    })
    void takesAWordThatIsNearlyALevel_forASlip(String word, String meant) {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> LogFilter.parse("info," + word));
        assertTrue(
                String.valueOf(e.getMessage()).startsWith("'" + word + "' is no level; did you mean " + meant + "?"),
                e::getMessage);
        assertEquals("info," + word + "=trace", LogFilter.parse(word + "=trace").toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "access",
                "admin",
                "base",
                "certs",
                "config",
                "hbone",
                "mesh",
                "pods",
                "proxy",
                "relay",
                "route",
                "telemetry",
                "log",
                "file",
                "ca",
                "redirect",
                "ztunnel",
                "dns",
                "xds",
                "zds",
                "io.culvert"
            })
    void takesOtherWordsForTargets(String word) {
        assertEquals("info," + word + "=trace", LogFilter.parse(word).toString());
    }

    @Test
    void takesNoWordAloneForATarget_whereItIsLaidOverWhatIsThere() {
        assertThrows(IllegalArgumentException.class, () -> LogFilter.INFO.merge("access"));
        assertThrows(IllegalArgumentException.class, () -> LogFilter.INFO.merge("debug,nonsense"));
        assertEquals("debug", LogFilter.INFO.merge("debug,").toString());
    }

    @Test
    void laysDirectivesOverWhatIsThere() {
        LogFilter filter = LogFilter.parse("warn,access=debug,proxy=info");
        assertEquals(
                "error,access=debug,proxy=trace",
                filter.merge("error,proxy=trace").toString());
    }

    @Test
    void boundsTextAndTargets() {
        assertThrows(IllegalArgumentException.class, () -> LogFilter.parse("a".repeat(5_000)));
        StringBuilder many = new StringBuilder("info");
        for (int i = 0; i < 65; i++) {
            many.append(",t").append(i).append("=debug");
        }
        assertThrows(IllegalArgumentException.class, () -> LogFilter.parse(many.toString()));
    }

    @Test
    void readsBack_whatItWrites() {
        Gen.forAll(1_000, gen -> {
            Map<String, Level> targets = new TreeMap<>();
            for (int i = gen.intBetween(0, 5); i > 0; i--) {
                targets.put("t" + gen.dnsLabel(10) + gen.pick("", ".x"), gen.pick(Level.class));
            }
            LogFilter filter = new LogFilter(gen.pick(Level.class), targets);
            assertEquals(filter, LogFilter.parse(filter.toString()));
        });
    }
}
