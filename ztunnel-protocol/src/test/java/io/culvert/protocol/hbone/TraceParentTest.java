package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceParentTest {
    private static final String TEXT = "00-0123456789abcdeffedcba9876543210-00000000000000ff-01";

    @Test
    void readsAndWritesTheSameText() {
        TraceParent read = TraceParent.parse(TEXT);
        assertEquals(new TraceParent(0x0123456789abcdefL, 0xfedcba9876543210L, 255, 1), read);
        assertEquals(TEXT, read == null ? "" : read.format());
        assertEquals("0123456789abcdeffedcba9876543210", read == null ? "" : read.traceId());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00-0123456789abcdeffedcba9876543210-00000000000000ff-0",
                "00-0123456789abcdeffedcba9876543210-00000000000000ff-011",
                "01-0123456789abcdeffedcba9876543210-00000000000000ff-01",
                "00-0123456789ABCDEFfedcba9876543210-00000000000000ff-01",
                "00_0123456789abcdeffedcba9876543210-00000000000000ff-01",
                "00-00000000000000000000000000000000-00000000000000ff-01",
                "00-0123456789abcdeffedcba9876543210-0000000000000000-01",
                "00-0123456789abcdeffedcba987654321g-00000000000000ff-01",
                "00-0123456789abcdeffedcba987654321\u0661-00000000000000ff-01"
            })
    void readsNothingElse(String text) {
        assertNull(TraceParent.parse(text));
    }

    @Test
    void hasNoZeroIds() {
        assertNull(TraceParent.parse(null));
        assertThrows(IllegalArgumentException.class, () -> new TraceParent(0, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new TraceParent(1, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new TraceParent(1, 0, 1, 256));
    }

    @Test
    void survivesTheRoundTrip_forAnyIds() {
        Gen.forAll(500, gen -> {
            TraceParent one =
                    new TraceParent(gen.anyLong(), gen.anyLong() | 1, gen.anyLong() | 1, gen.intBetween(0, 255));
            assertEquals(one, TraceParent.parse(one.format()));
        });
    }
}
