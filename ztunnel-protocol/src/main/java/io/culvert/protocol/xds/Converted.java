package io.culvert.protocol.xds;

import java.util.List;

/**
 * What became of one resource.
 *
 * @param <T> the record it converts to
 */
public sealed interface Converted<T> {
    /**
     * It is taken.
     *
     * @param value the record
     * @param warnings parts that were left out, or replaced by something at least as strict
     */
    record Taken<T>(T value, List<ConversionFault> warnings) implements Converted<T> {
        public Taken {
            warnings = List.copyOf(warnings);
        }
    }

    /** It is not taken; what was known under its name stays in force. */
    record Rejected<T>(ConversionFault fault) implements Converted<T> {}
}
