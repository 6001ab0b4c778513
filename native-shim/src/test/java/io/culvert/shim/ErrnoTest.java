package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrnoTest {
    @ParameterizedTest
    @EnumSource
    void isFoundByItsNumber(Errno each) {
        assertSame(each, Errno.of(each.number()));
    }

    @Test
    void saysNameNumberAndMeaning() {
        int number = Errno.ECONNREFUSED.number();
        assertEquals("ECONNREFUSED (" + number + "): nothing listens there", Errno.describe(number));
        ShimException refused = new ShimException("connect", Errno.ECONNREFUSED);
        assertEquals("connect: " + Errno.describe(number), refused.getMessage());
        assertEquals(0, refused.getStackTrace().length);
    }

    @Test
    void keepsUnknownNumbersAsNumbers() {
        assertNull(Errno.of(4095));
        assertNull(Errno.of(-1));
        assertEquals("errno 4095", Errno.describe(4095));
    }
}
