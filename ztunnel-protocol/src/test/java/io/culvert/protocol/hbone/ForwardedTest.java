package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;

class ForwardedTest {
    @Test
    void writesTheSourceQuoted_andTheHostBare() {
        assertEquals("for=\"10.0.0.1:80\"", new Forwarded("10.0.0.1:80", "").format());
        assertEquals(
                "for=\"[2001:db8::1]:80\";host=web.default.svc",
                new Forwarded("[2001:db8::1]:80", "web.default.svc").format());
        assertEquals("for=\"10.0.0.1:80\"", new Forwarded("10.0.0.1:80", "a;b").format());
    }

    @Test
    void readsAsPeersWrite() {
        assertEquals(new Forwarded("10.0.0.1:80", "web"), Forwarded.parse("for=\"10.0.0.1:80\";host=web"));
        assertEquals(new Forwarded("", "web"), Forwarded.parse("proto=https ; host=\"web\" ;host=other"));
        assertEquals(new Forwarded("x", ""), Forwarded.parse("for=x;host="));
        assertEquals(Forwarded.EMPTY, Forwarded.parse("host=\""));
        assertEquals(Forwarded.EMPTY, Forwarded.parse("host=a b"));
        assertEquals(Forwarded.EMPTY, Forwarded.parse("host=\u00e4;for=\u00e4"));
        assertEquals(Forwarded.EMPTY, Forwarded.parse("for=" + "1".repeat(65)));
        assertEquals(Forwarded.EMPTY, Forwarded.parse("host=a;" + "x".repeat(1024)));
        assertEquals(Forwarded.EMPTY, Forwarded.parse(null));
    }

    @Test
    void neverThrows_andWritesOnlyWhatItReadsBack() {
        Gen.forAll(2_000, gen -> {
            String text = gen.bool() ? gen.unicode(100) : gen.text("for=\";host=a.b:1 ", 60);
            Forwarded forwarded = Forwarded.parse(text);
            assertEquals(forwarded, Forwarded.parse(forwarded.format()));
        });
    }
}
