package io.culvert.protocol.dns;

/** Reads requests. */
final class DnsRequestReader {
    private static final int RESPONSE = 0x8000;
    private static final int OPCODE = 0x7800;
    private static final int CLASS_IN = 1;
    private static final int DNSSEC = 0x8000;

    private DnsRequestReader() {}

    static DnsRequest read(byte[] message) throws DnsFormatException {
        int flags = DnsCursor.u16(message, 2);
        if ((flags & RESPONSE) != 0) {
            return new DnsRequest.Malformed();
        }
        if ((flags & OPCODE) != 0 || DnsCursor.u16(message, 4) != 1) {
            return new DnsRequest.Other(-1);
        }
        DnsCursor cursor = new DnsCursor(message, DnsCursor.HEADER_BYTES);
        DnsName name = cursor.name();
        int type = cursor.u16();
        int dnsClass = cursor.u16();
        boolean addresses = (type == DnsType.A || type == DnsType.AAAA) && dnsClass == CLASS_IN;
        return addresses && name.isPlain() ? lookup(message, cursor, name, type) : new DnsRequest.Other(type);
    }

    /** Anything besides the question and EDNS, such as a signature, is not for us. */
    private static DnsRequest lookup(byte[] message, DnsCursor cursor, DnsName name, int type)
            throws DnsFormatException {
        int answers = DnsCursor.u16(message, 6);
        int authorities = DnsCursor.u16(message, 8);
        int additional = DnsCursor.u16(message, 10);
        if (answers != 0 || authorities != 0 || additional > 1) {
            return new DnsRequest.Other(type);
        }
        if (additional == 0) {
            return cursor.atEnd() ? new DnsRequest.Lookup(name, type, null) : new DnsRequest.Other(type);
        }
        DnsName owner = cursor.name();
        if (cursor.u16() != DnsType.OPT || !owner.labels().isEmpty()) {
            return new DnsRequest.Other(type);
        }
        int payloadBytes = cursor.u16();
        cursor.skip(1);
        int version = cursor.u8();
        int flags = cursor.u16();
        cursor.skip(cursor.u16());
        return cursor.atEnd()
                ? new DnsRequest.Lookup(name, type, new DnsRequest.Edns(payloadBytes, version, (flags & DNSSEC) != 0))
                : new DnsRequest.Other(type);
    }

    /** Where the only question ends; the header's end when there is not one that can be read. */
    static int questionEnd(byte[] message) {
        if (message.length < DnsCursor.HEADER_BYTES || DnsCursor.u16(message, 4) != 1) {
            return Math.min(message.length, DnsCursor.HEADER_BYTES);
        }
        try {
            DnsCursor cursor = new DnsCursor(message, DnsCursor.HEADER_BYTES);
            DnsName _ = cursor.name();
            cursor.skip(4);
            return cursor.at();
        } catch (DnsFormatException e) {
            return DnsCursor.HEADER_BYTES;
        }
    }
}
