package io.culvert.cli;

/**
 * One cell of a table.
 *
 * @param text printable, in one line; an empty one is shown as a dash
 * @param tone how it looks
 */
record Cell(String text, Tone tone) {
    Cell {
        text = text.isEmpty() ? "-" : Printable.line(text);
    }

    static Cell of(String text) {
        return new Cell(text, Tone.PLAIN);
    }
}
