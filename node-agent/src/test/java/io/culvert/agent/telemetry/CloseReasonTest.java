package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CloseReasonTest {
    @Test
    void textsAreUnique() {
        Set<String> texts = new HashSet<>();
        for (CloseReason reason : CloseReason.values()) {
            assertTrue(texts.add(reason.text()), reason.text());
            assertTrue(texts.add(reason.sentence()), reason.sentence());
        }
    }

    @ParameterizedTest
    @EnumSource
    void sentencesAreSentences(CloseReason reason) {
        assertTrue(reason.sentence().endsWith("."), reason.sentence());
        assertTrue(Character.isUpperCase(reason.sentence().charAt(0)), reason.sentence());
        assertFalse(reason.text().endsWith("."), reason.text());
    }

    @ParameterizedTest
    @EnumSource
    void onlyFailuresHaveAFlag(CloseReason reason) {
        assertEquals(reason.isFailure(), reason.flag() != ResponseFlag.NONE);
    }
}
