package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Deadline;
import io.culvert.testkit.Gen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Damages recorded conversations and feeds them to sessions, for {@code -Dculvert.fuzz.seconds} (3 by default). {@link
 * FuzzCorpus} records them anew.
 */
class HboneFuzz {
    static final Path CORPUS = Path.of("src/test/resources/fuzz/hbone");

    private static List<byte[]> corpus(String role) throws IOException {
        List<byte[]> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(CORPUS)) {
            for (Path file : files.sorted().toList()) {
                if (file.getFileName().toString().startsWith(role)) {
                    all.add(Files.readAllBytes(file));
                }
            }
        }
        assertFalse(all.isEmpty());
        return all;
    }

    @Test
    void survivesTheCorpusAsRecorded() throws IOException {
        for (byte[] recorded : corpus("server-")) {
            Hostile.check(new Gen(1), true, recorded);
        }
        for (byte[] recorded : corpus("client-")) {
            Hostile.check(new Gen(1), false, recorded);
        }
    }

    @Test
    void survivesDamage() throws IOException {
        List<byte[]> forServers = corpus("server-");
        List<byte[]> forClients = corpus("client-");
        Deadline end = Deadline.after(Duration.ofSeconds(Integer.getInteger("culvert.fuzz.seconds", 3)));
        int rounds = 0;
        while (!end.passed()) {
            Gen.forAll(100, gen -> {
                boolean server = gen.bool();
                byte[] octets = gen.pick(server ? forServers : forClients);
                for (int i = gen.intBetween(1, 3); i > 0; i--) {
                    octets = damage(gen, octets, server ? forServers : forClients);
                }
                Hostile.check(gen, server, octets);
            });
            rounds++;
        }
        assertTrue(rounds > 0);
    }

    /** Damages octets, or whole frames, which survives the parser more often. */
    private static byte[] damage(Gen gen, byte[] octets, List<byte[]> corpus) {
        return switch (gen.intBetween(0, 3)) {
            case 0 -> gen.mutate(octets);
            case 1 -> crossOver(gen, octets, gen.pick(corpus));
            default -> flipInHeader(gen, octets);
        };
    }

    private static byte[] crossOver(Gen gen, byte[] a, byte[] b) {
        int inA = gen.pick(frameStarts(a));
        int inB = gen.pick(frameStarts(b));
        byte[] out = new byte[inA + b.length - inB];
        System.arraycopy(a, 0, out, 0, inA);
        System.arraycopy(b, inB, out, inA, b.length - inB);
        return out;
    }

    private static byte[] flipInHeader(Gen gen, byte[] octets) {
        byte[] out = octets.clone();
        int at = gen.pick(frameStarts(octets)) + gen.intBetween(0, 12);
        if (at < out.length) {
            out[at] = (byte) (gen.bool() ? out[at] ^ 1 << gen.intBetween(0, 7) : gen.intBetween(0, 255));
        }
        return out;
    }

    private static List<Integer> frameStarts(byte[] octets) {
        List<Integer> starts = new ArrayList<>();
        boolean preface = octets.length > Wire.PREFACE.length && octets[0] == 'P' && octets[1] == 'R';
        int at = preface ? Wire.PREFACE.length : 0;
        while (at >= 0 && at <= octets.length) {
            starts.add(at);
            if (at + 9 > octets.length) {
                break;
            }
            at += 9 + ((octets[at] & 0xFF) << 16 | (octets[at + 1] & 0xFF) << 8 | octets[at + 2] & 0xFF);
        }
        return starts;
    }
}
