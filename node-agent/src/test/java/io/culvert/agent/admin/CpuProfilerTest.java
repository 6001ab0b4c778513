package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.admin.PprofProfile.Frame;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuProfilerTest {
    private static Request request(String query) {
        return new Request("GET", "/debug/pprof/profile", Request.query(query), Map.of());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "seconds=0",
                "seconds=301",
                "seconds=x",
                "seconds=-1",
                "frequency=0",
                "frequency=1001",
                "seconds=1.5"
            })
    void refusesWhatIsOutOfBounds(String query) {
        assertEquals(400, new CpuProfiler().answer(request(query)).status());
    }

    @Test
    @Timeout(60)
    void tellsWhereTimeGoes_inNativeCodeToo() throws IOException {
        AtomicBoolean done = new AtomicBoolean();
        Thread _ = Thread.ofPlatform().daemon().name("busy").start(() -> deflate(done));
        Reply reply = new CpuProfiler().answer(request("seconds=2&frequency=100"));
        done.set(true);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        reply.body().writeTo(body);
        assertEquals(200, reply.status(), () -> body.toString(StandardCharsets.UTF_8));
        byte[] profile = new GZIPInputStream(new ByteArrayInputStream(body.toByteArray())).readAllBytes();
        String text = new String(profile, StandardCharsets.ISO_8859_1);
        assertTrue(text.contains("nanoseconds") && text.contains("samples"), text);
        assertTrue(text.contains("java.util.zip.Deflater.deflate"), text);
    }

    private static void deflate(AtomicBoolean done) {
        byte[] in = new byte[1 << 16];
        byte[] out = new byte[1 << 17];
        new SplittableRandom(1).nextBytes(in);
        try (Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION)) {
            while (!done.get()) {
                deflater.reset();
                deflater.setInput(in);
                deflater.finish();
                assertTrue(deflater.deflate(out) > 0);
            }
        }
    }

    @Test
    void writesWhatPprofReads() {
        PprofProfile profile = new PprofProfile();
        Frame inner = new Frame("a.B.c", "a/B.java", 7);
        profile.add(List.of(inner, new Frame("a.B.d", "a/B.java", 300)));
        profile.add(List.of(inner, new Frame("a.B.d", "a/B.java", 300)));
        profile.add(List.of(inner));
        byte[] bytes = profile.encode(5, Duration.ofNanos(6), Duration.ofNanos(10));
        String expected = String.join(
                "",
                "0a0408011002", // samples, count
                "0a0408031004", // cpu, nanoseconds
                "12080a020102" + "12020214", // both frames, twice
                "12070a0101" + "1202010a", // the inner one, once
                "22080801" + "220408011007", // location 1: function 1, line 7
                "22090802" + "2205080210ac02", // location 2: function 2, line 300
                "2a080801100518052006",
                "2a080802100718072006",
                "3200",
                "3207" + text("samples"),
                "3205" + text("count"),
                "3203" + text("cpu"),
                "320b" + text("nanoseconds"),
                "3205" + text("a.B.c"),
                "3208" + text("a/B.java"),
                "3205" + text("a.B.d"),
                "4805",
                "5006",
                "5a0408031004",
                "600a");
        assertEquals(expected, HexFormat.of().formatHex(bytes));
    }

    private static String text(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }
}
