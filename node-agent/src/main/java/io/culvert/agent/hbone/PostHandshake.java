package io.culvert.agent.hbone;

/**
 * What a peer says in the handshake protocol once the handshake is over, in whatever pieces it comes: tickets, which are of no
 * use to us, and that it changes its keys.
 *
 * <p>Runs on: its transport's loop. Bounds: keeps nothing but a header; a ticket is as long as its length says, at most {@value
 * #MESSAGE_BYTES_MAX} octets.
 *
 * <p>Source: RFC 8446, sections 4, 4.6.1 and 4.6.3.
 */
final class PostHandshake {
    /** What it amounts to. */
    enum Meaning {
        GO_ON,
        /** The peer's next record is under its next keys. */
        KEY_UPDATE,
        /** The same, and it wants ours to be. */
        KEY_UPDATE_REQUESTED,
        /** It may not say that. */
        UNEXPECTED
    }

    private static final int MESSAGE_BYTES_MAX = 1 << 17;
    private static final int HEADER_BYTES = 4;
    private static final int NEW_SESSION_TICKET = 4;
    private static final int KEY_UPDATE = 24;
    private static final byte UPDATE_REQUESTED = 1;

    private final boolean client;
    private final byte[] header = new byte[HEADER_BYTES];
    private int headerBytes;
    private int left;

    /** @param client whether the peer is a server, which alone gives tickets */
    PostHandshake(boolean client) {
        this.client = client;
    }

    /** A KeyUpdate that asks for none. */
    static byte[] keyUpdate() {
        return new byte[] {KEY_UPDATE, 0, 0, 1, 0};
    }

    /** Takes the octets of a record, or of a part of one. */
    Meaning take(byte[] octets, int length) {
        int at = 0;
        while (at < length) {
            if (headerBytes < HEADER_BYTES) {
                header[headerBytes++] = octets[at++];
                if (headerBytes == HEADER_BYTES && !begins()) {
                    return Meaning.UNEXPECTED;
                }
            } else if (header[0] == KEY_UPDATE) {
                headerBytes = 0;
                // Nothing may follow under the keys that it ends.
                return at + 1 < length ? Meaning.UNEXPECTED : updates(octets[at]);
            } else {
                int skipped = Math.min(left, length - at);
                at += skipped;
                left -= skipped;
                headerBytes = left == 0 ? 0 : HEADER_BYTES;
            }
        }
        return Meaning.GO_ON;
    }

    private boolean begins() {
        left = (header[1] & 0xFF) << 16 | (header[2] & 0xFF) << 8 | header[3] & 0xFF;
        return header[0] == KEY_UPDATE
                ? left == 1
                : client && header[0] == NEW_SESSION_TICKET && left > 0 && left <= MESSAGE_BYTES_MAX;
    }

    private static Meaning updates(byte request) {
        return switch (request) {
            case 0 -> Meaning.KEY_UPDATE;
            case UPDATE_REQUESTED -> Meaning.KEY_UPDATE_REQUESTED;
            default -> Meaning.UNEXPECTED;
        };
    }
}
