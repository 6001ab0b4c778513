package io.culvert.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class GenTest {
    @Test
    void namesTheSeedOfTheFailingCase_andThatSeedFailsAgain() {
        AssertionError failure = assertThrows(AssertionError.class, () -> Gen.forAll(10_000, GenTest::failsNowAndThen));
        Matcher seed =
                Pattern.compile("-Dculvert\\.seed=(-?\\d+)").matcher(Objects.requireNonNull(failure.getMessage()));
        assertTrue(seed.find(), failure.getMessage());
        Gen again = new Gen(Long.parseLong(seed.group(1)));
        assertThrows(IllegalStateException.class, () -> failsNowAndThen(again));
    }

    private static void failsNowAndThen(Gen gen) {
        if (gen.oneIn(50)) {
            throw new IllegalStateException("unlucky");
        }
    }

    @Test
    void drawsTheSameCaseFromTheSameSeed() {
        Gen.forAll(100, gen -> {
            byte[] first = new Gen(gen.seed()).mutate(new Gen(gen.seed() + 1).bytes(100));
            byte[] second = new Gen(gen.seed()).mutate(new Gen(gen.seed() + 1).bytes(100));
            assertArrayEquals(first, second);
        });
    }

    @Test
    void reachesBothEndsOfARange() {
        List<Long> seen = new ArrayList<>();
        Gen gen = new Gen(1);
        for (int i = 0; i < 1000; i++) {
            long drawn = gen.longBetween(Long.MIN_VALUE, Long.MAX_VALUE);
            seen.add(drawn);
            int small = gen.intBetween(-1, 1);
            assertTrue(small >= -1 && small <= 1);
        }
        assertTrue(seen.contains(Long.MIN_VALUE));
        assertTrue(seen.contains(Long.MAX_VALUE));
    }

    @Test
    void makesDnsLabelsThatKubernetesTakes() {
        Gen.forAll(2000, gen -> {
            String label = gen.dnsLabel(63);
            assertTrue(label.matches("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"), label);
        });
    }

    @Test
    void makesValidUnicode() {
        Gen.forAll(500, gen -> {
            String text = gen.unicode(40);
            byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
            assertEquals(text, new String(bytes, java.nio.charset.StandardCharsets.UTF_8));
        });
    }
}
