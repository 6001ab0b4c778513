package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ReadinessTest {
    private final Readiness readiness = new Readiness();

    @Test
    void isReady_onlyWhenEveryTaskIsDone() {
        Runnable pods = readiness.begin("pods");
        Runnable mesh = readiness.begin("mesh");
        assertEquals(List.of("mesh", "pods"), readiness.pending());
        pods.run();
        pods.run();
        assertFalse(readiness.isReady());
        mesh.run();
        assertTrue(readiness.isReady());
    }

    @Test
    void isNotReadyAgain_whenAGateIsShut() {
        Readiness.Gate gate = readiness.gate("pods");
        assertFalse(readiness.isReady());
        gate.open();
        assertTrue(readiness.isReady());
        gate.shut();
        gate.shut();
        assertEquals(List.of("pods"), readiness.pending());
        gate.open();
        assertTrue(readiness.isReady());
    }

    @Test
    void refusesTwoTasksOfOneName() {
        readiness.begin("mesh");
        assertThrows(InvariantViolation.class, () -> readiness.begin("mesh"));
    }
}
