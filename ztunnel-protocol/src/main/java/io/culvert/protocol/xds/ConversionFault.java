package io.culvert.protocol.xds;

/**
 * What was wrong with one resource.
 *
 * @param resourceName the resource as its sender names it, shortened and without control characters
 * @param reason the kind of fault, also a metric label
 * @param field path of the field within the resource; empty for the resource as a whole
 */
public record ConversionFault(String resourceName, Reason reason, String field) {
    private static final int NAME_SHOWN_MAX = 256;

    public ConversionFault {
        resourceName = shown(resourceName);
    }

    /** Why a resource, or a part of it, was not taken as it came. */
    public enum Reason {
        UNDECODABLE("is not a message of its type"),
        WRONG_TYPE("is of another type than the response announced"),
        MISSING("is missing"),
        TOO_LARGE("is larger than allowed"),
        TOO_LONG("is longer than allowed"),
        TOO_MANY("has more entries than allowed"),
        CONTROL_CHARACTER("has a control character"),
        BAD_NAME("is not of the form namespace/name"),
        BAD_ADDRESS("is not an address of 4 or 16 bytes"),
        BAD_PREFIX("is not a range of addresses"),
        BAD_PORT("is not a port"),
        BAD_IDENTITY("cannot be part of a SPIFFE id"),
        BAD_STRING_MATCH("has none of exact, prefix, suffix and presence"),
        UNSUPPORTED("is not supported by this agent"),
        UNKNOWN_VALUE("has a value that this agent does not know"),
        NAME_MISMATCH("does not agree with the resource's name"),
        STRICTEST_READING(
                "denies every connection that it could deny, or allows none, until one comes that can be read");

        private final String sentence;

        Reason(String sentence) {
            this.sentence = sentence;
        }

        /** The rest of a sentence that begins with the field's name. */
        public String sentence() {
            return sentence;
        }
    }

    /** What is told to the sender and to the operator, without the resource's name. */
    public String explanation() {
        return (field.isEmpty() ? "the resource" : field) + " " + reason.sentence();
    }

    @Override
    public String toString() {
        return resourceName + ": " + explanation();
    }

    private static String shown(String name) {
        StringBuilder out = new StringBuilder(Math.min(name.length(), NAME_SHOWN_MAX));
        for (int i = 0; i < name.length() && i < NAME_SHOWN_MAX; i++) {
            char c = name.charAt(i);
            out.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
        }
        return out.toString();
    }
}
