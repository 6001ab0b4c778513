package io.culvert.control.file.yaml;

import java.util.List;

/** A value of a YAML document and where it stands. */
public sealed interface YamlNode {
    /** Where the value begins. */
    Position position();

    /**
     * A place in a file.
     *
     * @param line from 1; 0 for the whole file
     * @param column from 1; 0 for the whole file
     */
    record Position(int line, int column) {
        public static final Position WHOLE_FILE = new Position(0, 0);
    }

    /**
     * A text, number or truth value; what it is depends on who asks.
     *
     * @param plain written without quotes
     */
    record Scalar(Position position, String text, boolean plain) implements YamlNode {
        /** A key with nothing behind it, {@code ~} or {@code null}. */
        boolean isNull() {
            return plain && (text.isEmpty() || text.equals("~") || text.equalsIgnoreCase("null"));
        }
    }

    /** A list. */
    record Sequence(Position position, List<YamlNode> entries) implements YamlNode {}

    /** A mapping; its keys are unique. */
    record Mapping(Position position, List<Entry> entries) implements YamlNode {}

    /** A value that was refused already; nobody complains about it again. */
    record Refused(Position position) implements YamlNode {}

    /** A key and its value. */
    record Entry(Position keyPosition, String key, YamlNode value) {}
}
