package io.culvert.protocol.policy;

/** A condition on a text. */
public sealed interface StringMatch {
    /** Case-sensitive. */
    boolean matches(String text);

    /** The whole text. */
    record Exact(String value) implements StringMatch {
        @Override
        public boolean matches(String text) {
            return text.equals(value);
        }
    }

    /** The text's beginning. */
    record Prefix(String value) implements StringMatch {
        @Override
        public boolean matches(String text) {
            return text.startsWith(value);
        }
    }

    /** The text's end. */
    record Suffix(String value) implements StringMatch {
        @Override
        public boolean matches(String text) {
            return text.endsWith(value);
        }
    }

    /** Any text that is not empty. */
    record Presence() implements StringMatch {
        @Override
        public boolean matches(String text) {
            return !text.isEmpty();
        }
    }
}
