package io.culvert.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestRunTest {
    private static final Class<?> GOOD = Good.class;

    private final StringWriter said = new StringWriter();

    static class Good {
        @Test
        void passes() {}
    }

    static class Failing {
        @Test
        void fails() {
            fail("so it says");
        }
    }

    static class FailingBefore {
        @BeforeAll
        static void fails() {
            fail("so it says");
        }

        @Test
        void passes() {}
    }

    static class Skipped extends Good {
        @Test
        @Disabled("to see it told")
        void isLeftOut() {}
    }

    static class Aborted extends Good {
        @Test
        void assumesWhatIsNot() {
            Assumptions.abort();
        }
    }

    static class Empty {}

    private boolean run(Class<?>... classes) {
        return TestRun.run(new PrintWriter(said, true), List.of(classes));
    }

    @Test
    void passesWhereAllPass() {
        assertTrue(run(GOOD, GOOD));
        assertEquals(2, said.toString().split("  ok 1 tests, 0 failed, 0 skipped", -1).length - 1, said.toString());
        assertTrue(said.toString().contains("All tests passed."), said.toString());
    }

    @ParameterizedTest
    @ValueSource(classes = {Failing.class, FailingBefore.class, Skipped.class, Aborted.class, Empty.class})
    void failsForOneBadClassAmongGood(Class<?> bad) {
        assertTrue(!run(GOOD, bad, GOOD));
        assertTrue(said.toString().contains("- in " + bad.getName()), said.toString());
        assertTrue(!said.toString().contains("All tests passed."), said.toString());
    }

    @Test
    void tellsWhyATestFailed() {
        assertTrue(!run(Failing.class));
        assertTrue(said.toString().contains("so it says"), said.toString());
    }

    @Test
    void failsWithoutAnyClass() {
        assertTrue(!run());
    }
}
