package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

class BuildVersionTest {
    @Test
    void isFilledIn_byTheBuild() {
        BuildVersion version = BuildVersion.current();
        assertFalse(version.version().isEmpty() || version.version().contains("$"), version.version());
        assertFalse(version.revision().isEmpty() || version.revision().contains("$"), version.revision());
    }
}
