package io.culvert.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewsTest {
    private static final String CERTIFICATE = """
            {"certificates": [{"identity": "spiffe://x", "state": "Available", "certChain": [
              {"serialNumber": "1", "validFrom": "2026-01-01T00:00:00Z", "expirationTime": "2026-01-02T00:00:00Z"}],
              "rootCerts": []}]}
            """;

    private static List<String> states(String now) throws Exception {
        List<String> states = new ArrayList<>();
        View view = Views.certificates(() -> Instant.parse(now));
        DumpReader.each(
                new ByteArrayInputStream(CERTIFICATE.getBytes(StandardCharsets.UTF_8)),
                view.section(),
                (key, value) -> view.rows()
                        .apply(key, value)
                        .forEach(row -> states.add(row.get(2).text())));
        return states;
    }

    @Test
    void judgesCertificates_byTheClock() throws Exception {
        assertEquals(List.of("not valid yet"), states("2025-12-31T23:59:59Z"));
        assertEquals(List.of("Available, 1d0h left"), states("2026-01-01T00:00:00Z"));
        assertEquals(List.of("Available, 0m1s left"), states("2026-01-01T23:59:59Z"));
        assertEquals(List.of("expired"), states("2026-01-02T00:00:00Z"));
    }

    @ParameterizedTest
    @CsvSource({"PT0S, 0m0s", "PT59M59S, 59m59s", "PT1H, 1h0m", "PT25H, 1d1h"})
    void spellsSpans(Duration duration, String text) {
        assertEquals(text, Views.span(duration));
    }
}
