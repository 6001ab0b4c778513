package io.culvert.protocol.identity;

import java.time.Duration;
import java.time.Instant;

/**
 * From when until when a certificate is valid.
 *
 * @param notBefore first moment
 * @param notAfter last moment; before the first one, the window is empty
 */
public record ValidityWindow(Instant notBefore, Instant notAfter) {
    public boolean contains(Instant moment) {
        return !moment.isBefore(notBefore) && !moment.isAfter(notAfter);
    }

    /** Zero when the window is empty. */
    public Duration length() {
        return notAfter.isAfter(notBefore) ? Duration.between(notBefore, notAfter) : Duration.ZERO;
    }
}
