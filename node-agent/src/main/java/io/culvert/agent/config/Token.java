package io.culvert.agent.config;

import java.nio.file.Path;

/** What the agent proves itself with. */
public sealed interface Token {
    /** Nothing. */
    record None() implements Token {}

    /** The content of a file, which others renew. */
    record InFile(Path path) implements Token {}

    /** A text; never shown. */
    record Literal(String text) implements Token {
        @Override
        public String toString() {
            return "Literal[]";
        }
    }
}
