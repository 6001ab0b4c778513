package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ValueTextProperties {
    @Test
    void addsUpTheParts_ofADuration() {
        Gen.forAll(2_000, gen -> {
            long hours = gen.longBetween(0, 1_000);
            long seconds = gen.longBetween(0, 100_000);
            long millis = gen.longBetween(0, 100_000);
            String text = hours + "h" + gen.pick("", " ") + seconds + "s" + gen.pick("", " ") + millis + "ms";
            Duration expected = Duration.ofHours(hours).plusSeconds(seconds).plusMillis(millis);
            assertEquals(expected, ValueText.duration(text));
        });
    }

    @Test
    void multipliesSizes() {
        Gen.forAll(2_000, gen -> {
            long number = gen.longBetween(0, 1 << 20);
            assertEquals(number << 10, ValueText.size(number + gen.pick("Ki", "KiB", " KiB")));
        });
    }

    @Test
    void throwsNothingButArgumentErrors_whateverTheText() {
        List<Consumer<String>> parsers = List.of(
                ValueText::bool,
                ValueText::integer,
                ValueText::duration,
                ValueText::size,
                ValueText::milliCpus,
                text -> ValueText.threads(text, 8),
                LogFilter::parse);
        Gen.forAll(5_000, gen -> {
            String text = gen.bool() ? gen.unicode(100) : gen.text("0123456789.%,= mhsdKiMGBaccess-_:", 60);
            for (Consumer<String> parser : parsers) {
                try {
                    parser.accept(text);
                } catch (IllegalArgumentException e) {
                    assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
                }
            }
        });
    }
}
