package io.culvert.protocol.dns;

import org.jspecify.annotations.Nullable;

/**
 * What a client sent, as far as it has to be understood.
 *
 * <p>Errors: none; every sequence of bytes is one of these.
 *
 * <p>Source: RFC 1035 section 4, RFC 6891.
 */
public sealed interface DnsRequest {
    /**
     * The addresses of one name are asked for, and nothing else is: this alone may be answered from what the mesh knows.
     *
     * @param name whose addresses, with only plain labels
     * @param type {@link DnsType#A} or {@link DnsType#AAAA}
     * @param edns what the client says of itself, null if nothing
     */
    record Lookup(DnsName name, int type, @Nullable Edns edns) implements DnsRequest {}

    /**
     * Something else, for whoever understands it.
     *
     * @param type of its one question, -1 when it has none or several
     */
    record Other(int type) implements DnsRequest {}

    /** It cannot be read, or is no request; {@link DnsReply#error} answers it. */
    record Malformed() implements DnsRequest {}

    /** It is too short to be answered. */
    record Fragment() implements DnsRequest {}

    /**
     * The client's EDNS.
     *
     * @param payloadBytes how long an answer by UDP may be, as the client says
     * @param version version
     * @param dnssec whether it wants DNSSEC records
     */
    record Edns(int payloadBytes, int version, boolean dnssec) {}

    /** Takes one message. */
    static DnsRequest parse(byte[] message) {
        if (message.length < DnsCursor.HEADER_BYTES) {
            return new Fragment();
        }
        try {
            return DnsRequestReader.read(message);
        } catch (DnsFormatException e) {
            return new Malformed();
        }
    }
}
