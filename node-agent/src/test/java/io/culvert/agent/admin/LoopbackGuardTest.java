package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoopbackGuardTest {
    @ParameterizedTest
    @CsvSource({
        "localhost, true",
        "LOCALHOST:15000, true",
        "localhost., true",
        "127.0.0.1:15000, true",
        "127.9.9.9, true",
        "[::1], true",
        "[::1]:15000, true",
        "'', false",
        "evil.example, false",
        "localhost.evil.example, false",
        "10.0.0.1:15000, false",
        "127.0.0.1.evil.example, false",
        "[::1, false",
        "[::1]evil, false",
        "[fe80::1]:1, false",
        "::1, false",
        "localhost:, false",
        "localhost:1:2, false",
        "localhost:15000@evil.example, false",
        "'localhost,evil.example', false",
        "0.0.0.0, false"
    })
    void knowsLoopback(String host, boolean loopback) {
        assertEquals(loopback, LoopbackGuard.isLoopback(host));
    }

    @ParameterizedTest
    @CsvSource({
        "'', true",
        "http://localhost:15000, true",
        "http://127.0.0.1, true",
        "https://evil.example, false",
        "null, false"
    })
    void refusesOtherOrigins(String origin, boolean served) {
        Map<String, List<String>> headers = origin.isEmpty()
                ? Map.of("host", List.of("localhost"))
                : Map.of("host", List.of("localhost"), "origin", List.of(origin));
        Request request = new Request("POST", "/quitquitquit", Map.of(), headers);
        assertEquals(served, LoopbackGuard.check(request).isEmpty());
    }
}
