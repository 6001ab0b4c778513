package io.culvert.shim;

/** The ranges that arguments must keep; a value outside is the caller's bug. */
final class Bounds {
    private Bounds() {}

    static void check(String name, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " is " + value + ", not within " + min + ".." + max);
        }
    }
}
