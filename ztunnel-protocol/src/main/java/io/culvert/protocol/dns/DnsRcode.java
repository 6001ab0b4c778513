package io.culvert.protocol.dns;

/**
 * How a question was answered.
 *
 * <p>Source: RFC 1035 section 4.1.1.
 */
public enum DnsRcode {
    NOERROR(0),
    FORMERR(1),
    SERVFAIL(2),
    NXDOMAIN(3),
    NOTIMP(4),
    REFUSED(5);

    private final int number;

    DnsRcode(int number) {
        this.number = number;
    }

    /** Its number on the wire. */
    public int number() {
        return number;
    }
}
