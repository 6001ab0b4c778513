package io.culvert.agent.config;

/** What kind of value a knob takes. */
public enum KnobType {
    BOOLEAN("true|false", "`true` or `false`"),
    INTEGER("number", "a whole number"),
    DURATION("duration", "a number with ns, us, ms, s, m, h or d, several of them in a row, or bare seconds"),
    SIZE("size", "a number of bytes, or a number with KiB, MiB or GiB"),
    TEXT("text", "a text"),
    PATH("path", "a path"),
    CHOICE("choice", "one of the words listed"),
    CPUS("cpus", "a number of CPUs, possibly with a fraction, or thousandths as `500m`"),
    THREADS("threads", "a number of threads, `0` for one per CPU, or a share of the CPUs as `50%`"),
    LOG_FILTER("filter", "a level, or `target=level`, separated by commas");

    private final String label;
    private final String sentence;

    KnobType(String label, String sentence) {
        this.label = label;
        this.sentence = sentence;
    }

    /** What help prints in place of a value. */
    public String label() {
        return label;
    }

    /** How a value is written. */
    public String sentence() {
        return sentence;
    }
}
