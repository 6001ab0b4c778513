package io.culvert.protocol.hbone.hpack;

/** Takes the header fields of one block in the order in which the peer wrote them. */
@FunctionalInterface
public interface HeaderSink {
    /** Takes one field; each char is one octet of the wire, nothing has been validated. */
    void header(String name, String value);
}
