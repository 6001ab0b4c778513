package io.culvert.testkit;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * A seeded source of test cases. {@link #forAll} runs a property on many cases; the message of a failure names the case's seed,
 * and {@code -Dculvert.seed=SEED} runs that case alone. {@code -Dculvert.cases=FACTOR} multiplies the number of cases.
 */
public final class Gen {
    /** A property: throws when it does not hold for what it drew from the generator. */
    @FunctionalInterface
    public interface Property {
        /** Checks one case. */
        void check(Gen gen) throws Exception;
    }

    private final long seed;
    private final SplittableRandom random;

    /** A generator of the one case that this seed names. */
    public Gen(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
    }

    /** Runs the property on so many cases, each with a seed of its own. */
    public static void forAll(int cases, Property property) {
        Long fixed = Long.getLong("culvert.seed");
        if (fixed != null) {
            checkOne(fixed, property);
            return;
        }
        SplittableRandom seeds = new SplittableRandom();
        long total = (long) cases * Math.max(1, Integer.getInteger("culvert.cases", 1));
        for (long i = 0; i < total; i++) {
            checkOne(seeds.nextLong(), property);
        }
    }

    private static void checkOne(long seed, Property property) {
        try {
            property.check(new Gen(seed));
        } catch (Exception | AssertionError | StackOverflowError e) {
            throw new AssertionError(
                    "property does not hold; run this case alone with -Dculvert.seed=" + seed + ": " + e, e);
        }
    }

    /** The seed of this case. */
    public long seed() {
        return seed;
    }

    /** Any int from {@code min} to {@code max}, both included. */
    public int intBetween(int min, int max) {
        return (int) random.nextLong(min, max + 1L);
    }

    /** Any long. */
    public long anyLong() {
        return random.nextLong();
    }

    /** Any long from {@code min} to {@code max}, both included; the ends come up more often than by chance. */
    public long longBetween(long min, long max) {
        return switch (random.nextInt(16)) {
            case 0 -> min;
            case 1 -> max;
            default -> max == Long.MAX_VALUE ? random.nextLong(min, max) : random.nextLong(min, max + 1);
        };
    }

    /** A size from 0 to {@code max}: small ones mostly, 0 and {@code max} now and then. */
    public int size(int max) {
        return switch (random.nextInt(16)) {
            case 0 -> 0;
            case 1 -> max;
            case 2, 3 -> intBetween(0, max);
            default -> intBetween(0, Math.min(max, 1 << random.nextInt(8)));
        };
    }

    /** True or false. */
    public boolean bool() {
        return random.nextBoolean();
    }

    /** True once in {@code n} times. */
    public boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    /** One of the values. */
    @SafeVarargs
    public final <T> T pick(T first, T... others) {
        int at = random.nextInt(others.length + 1);
        return at == 0 ? first : others[at - 1];
    }

    /** One of the values of a list that is not empty. */
    public <T> T pick(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    /** One of the constants of an enum. */
    public <E extends Enum<E>> E pick(Class<E> type) {
        return type.getEnumConstants()[random.nextInt(type.getEnumConstants().length)];
    }

    /** Up to {@code sizeMax} random bytes. */
    public byte[] bytes(int sizeMax) {
        byte[] out = new byte[size(sizeMax)];
        random.nextBytes(out);
        return out;
    }

    /** Up to {@code sizeMax} characters of the alphabet. */
    public String text(String alphabet, int sizeMax) {
        int size = size(sizeMax);
        StringBuilder out = new StringBuilder(size);
        for (int i = 0; i < size; i++) {
            out.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return out.toString();
    }

    /** A name as Kubernetes allows it: 1 to {@code sizeMax} of a-z, 0-9 and inner hyphens. */
    public String dnsLabel(int sizeMax) {
        String ends = "abcdefghijklmnopqrstuvwxyz0123456789";
        String middle = text(ends + "-", Math.max(0, sizeMax - 2));
        return text1(ends) + (middle.isEmpty() ? "" : middle + text1(ends));
    }

    private char text1(String alphabet) {
        return alphabet.charAt(random.nextInt(alphabet.length()));
    }

    /** Text of any valid code points, control characters and non-ASCII included. */
    public String unicode(int sizeMax) {
        int size = size(sizeMax);
        StringBuilder out = new StringBuilder(size);
        for (int i = 0; i < size; i++) {
            int codePoint = random.nextInt(pick(0x80, 0x800, Character.MAX_CODE_POINT + 1));
            boolean surrogate = codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
            out.appendCodePoint(surrogate ? 0xFFFD : codePoint);
        }
        return out.toString();
    }

    /** A list of up to {@code sizeMax} values. */
    public <T> List<T> list(int sizeMax, Function<Gen, T> element) {
        int size = size(sizeMax);
        List<T> out = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            out.add(element.apply(this));
        }
        return out;
    }

    /**
     * A damaged copy: bytes flipped, cut off, doubled, inserted; what a parser of a peer's bytes must survive.
     * Now and then the copy is not damaged at all.
     */
    public byte[] mutate(byte[] original) {
        byte[] out = original.clone();
        for (int n = intBetween(0, 4); n > 0; n--) {
            int at = out.length == 0 ? 0 : random.nextInt(out.length);
            out = switch (random.nextInt(5)) {
                case 0 -> splice(out, at, 0, bytes(8));
                case 1 -> splice(out, at, Math.min(out.length - at, intBetween(1, 8)), new byte[0]);
                case 2 -> splice(out, at, out.length - at, new byte[0]);
                case 3 -> splice(out, at, 0, out);
                default -> splice(out, at, Math.min(1, out.length - at), new byte[] {(byte) random.nextInt()});
            };
            if (out.length > 1 << 20) {
                return original.clone();
            }
        }
        return out;
    }

    private static byte[] splice(byte[] in, int at, int removed, byte[] added) {
        byte[] out = new byte[in.length - removed + added.length];
        System.arraycopy(in, 0, out, 0, at);
        System.arraycopy(added, 0, out, at, added.length);
        System.arraycopy(in, at + removed, out, at + added.length, in.length - at - removed);
        return out;
    }

    /** The UTF-8 bytes of {@link #unicode}. */
    public byte[] utf8(int sizeMax) {
        return unicode(sizeMax).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "Gen[seed=" + seed + "]";
    }
}
