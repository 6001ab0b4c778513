package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KnobTest {
    @Test
    void namesAreUnique() {
        Set<String> names = new HashSet<>(Set.of("--config", ConfigInputs.FILE_VARIABLE));
        for (Knob knob : Knob.values()) {
            assertTrue(names.add(knob.flag()), knob.flag());
            assertTrue(names.add(knob.fileKey()), knob.fileKey());
            knob.environment().forEach(variable -> assertTrue(names.add(variable), variable));
        }
    }

    @Test
    void noKeyIsTheGroupOfAnother() {
        for (Knob knob : Knob.values()) {
            for (Knob other : Knob.values()) {
                assertFalse(other.fileKey().startsWith(knob.fileKey() + "."), knob.fileKey());
            }
        }
    }

    @Test
    void keysOfAGroupStandTogether() {
        Set<String> begun = new HashSet<>();
        String last = "";
        for (Knob knob : Knob.values()) {
            String group = knob.fileKey().substring(0, knob.fileKey().indexOf('.'));
            assertTrue(group.equals(last) || begun.add(group), knob.fileKey());
            last = group;
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreComplete(Knob knob) {
        assertTrue(knob.flag().matches("--[a-z0-9]+(-[a-z0-9]+)*"), knob.flag());
        assertTrue(knob.fileKey().matches("[a-z]+(\\.[a-z][A-Za-z0-9]*)+"), knob.fileKey());
        assertFalse(knob.environment().isEmpty());
        knob.environment().forEach(variable -> assertTrue(variable.matches("[A-Z0-9_]+"), variable));
        assertTrue(knob.doc().endsWith("."), knob.doc());
        assertEquals(knob.type() == KnobType.CHOICE, !knob.choices().isEmpty());
        assertEquals(knob.minimum().isPresent(), knob.maximum().isPresent());
        boolean numeric = switch (knob.type()) {
            case INTEGER, DURATION, SIZE, CPUS -> true;
            case BOOLEAN, TEXT, PATH, CHOICE, THREADS, LOG_FILTER -> false;
        };
        assertEquals(numeric, knob.minimum().isPresent(), "bounds");
    }
}
