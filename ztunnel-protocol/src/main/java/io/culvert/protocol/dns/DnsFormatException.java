package io.culvert.protocol.dns;

/** A message that is none; carries no stack trace. */
final class DnsFormatException extends Exception {
    private static final long serialVersionUID = 1L;

    DnsFormatException(String message) {
        super(message, null, false, false);
    }
}
