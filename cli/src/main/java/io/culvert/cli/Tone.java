package io.culvert.cli;

/** How a cell looks on a terminal. */
enum Tone {
    PLAIN(""),
    TITLE("\u001b[1m"),
    GOOD("\u001b[32m"),
    DOUBTFUL("\u001b[33m"),
    BAD("\u001b[31m"),
    QUIET("\u001b[2m");

    private static final String END = "\u001b[0m";
    private final String begin;

    Tone(String begin) {
        this.begin = begin;
    }

    String paint(String text) {
        return begin.isEmpty() || text.isEmpty() ? text : begin + text + END;
    }
}
