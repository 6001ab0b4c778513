package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionTest {
    @ParameterizedTest
    @CsvSource({"kitten, sitting, 3", "'', abc, 3", "abc, abc, 0", "flaw, lawn, 2", "inof, info, 1", "ca, ac, 1"})
    void countsEdits(String from, String to, int edits) {
        assertEquals(edits, Suggestion.edits(from, to));
    }

    @Test
    void proposesTheNearest_orNothing() {
        List<String> known = List.of("ports.admin", "ports.stats");
        assertEquals(Optional.of("ports.admin"), Suggestion.nearest("port.admin", known));
        assertEquals(Optional.empty(), Suggestion.nearest("something.else", known));
        assertEquals(Optional.empty(), Suggestion.nearest("p".repeat(1_000), known));
    }
}
