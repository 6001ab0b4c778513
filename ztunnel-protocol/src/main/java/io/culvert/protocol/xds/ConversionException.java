package io.culvert.protocol.xds;

import io.culvert.protocol.xds.ConversionFault.Reason;

/** Leaves a conversion at the first fault that rejects the resource; never leaves this package. */
@SuppressWarnings("serial") // never serialized
final class ConversionException extends Exception {
    private final Reason reason;
    private final String field;

    ConversionException(Reason reason, String field) {
        super(null, null, false, false);
        this.reason = reason;
        this.field = field;
    }

    ConversionFault fault(String resourceName) {
        return new ConversionFault(resourceName, reason, field);
    }

    /** The same fault seen from the message around the field. */
    ConversionException within(String outer) {
        return new ConversionException(reason, field.isEmpty() ? outer : outer + "." + field);
    }
}
