package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MetricTest {
    @Test
    void namesAreUnique() {
        Set<String> names = new HashSet<>();
        for (Metric metric : Metric.values()) {
            assertTrue(names.add(metric.sampleName()), metric.sampleName());
        }
    }

    @ParameterizedTest
    @EnumSource
    void namesAreWellFormed(Metric metric) {
        assertTrue(metric.family().matches("[a-z][a-z0-9_]*"), metric.family());
        assertEquals(metric.kind() == MetricKind.COUNTER, metric.sampleName().endsWith("_total"));
        assertEquals(new HashSet<>(metric.labels()).size(), metric.labels().size());
    }

    @ParameterizedTest
    @EnumSource
    void helpMarksWhatIsUnstable(Metric metric) {
        assertEquals(!metric.isStable(), metric.help().endsWith(" (unstable)"));
    }
}
