package io.culvert.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Rows under titles, in columns as wide as they need to be. */
final class Table {
    private static final String GAP = "   ";

    private final List<Cell> titles;
    private final List<List<Cell>> rows = new ArrayList<>();

    Table(List<String> titles) {
        this.titles = titles.stream().map(title -> new Cell(title, Tone.TITLE)).toList();
    }

    void add(List<Cell> row) {
        rows.add(row);
    }

    void print(PrintWriter out, boolean colours) {
        int[] widths = new int[titles.size()];
        Stream.concat(Stream.of(titles), rows.stream()).forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], width(row.get(i).text()));
            }
        });
        Stream.concat(Stream.of(titles), rows.stream()).forEach(row -> out.println(line(row, widths, colours)));
    }

    private static String line(List<Cell> row, int[] widths, boolean colours) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            Cell cell = row.get(i);
            line.append(colours ? cell.tone().paint(cell.text()) : cell.text());
            if (i < widths.length - 1) {
                line.repeat(' ', widths[i] - width(cell.text())).append(GAP);
            }
        }
        return line.toString();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
