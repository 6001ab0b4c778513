package io.culvert.protocol.hbone.hpack;

import java.util.Arrays;

/**
 * Encodes header blocks without state at the peer: static indexes where they exist, plain literals otherwise.
 *
 * <p>HBONE sends one small block per connection that it carries, so a dynamic table would cost both ends memory and gain
 * a few octets. Use: {@link #begin}, {@link #add} for each field, then {@link #block} and {@link #length}.
 *
 * <p>Runs on: one loop. Source: RFC 7541, sections 4.2, 5 and 6.
 */
public final class HpackEncoder {
    private static final int BYTES_KEPT = 1024;

    private byte[] block = new byte[0];
    private int length;
    private int peerTableBytes = HpackDecoder.TABLE_BYTES_DEFAULT;
    private int toldTableBytes = HpackDecoder.TABLE_BYTES_DEFAULT;

    /** Follows the peer's table limit: a reduction has to be acknowledged in the next block even by who uses no table. */
    public void limitTable(int bytes) {
        peerTableBytes = Math.min(peerTableBytes, bytes);
    }

    /** Starts a block, forgetting the one before. */
    public void begin() {
        length = 0;
        if (block.length > BYTES_KEPT) {
            block = new byte[BYTES_KEPT];
        }
        if (peerTableBytes < toldTableBytes) {
            toldTableBytes = peerTableBytes;
            integer(0x20, 5, toldTableBytes);
        }
    }

    /** Adds a field of ISO 8859-1 text; names are lower case already. */
    public void add(String name, String value) {
        int field = StaticTable.indexOfField(name, value);
        if (field > 0) {
            integer(0x80, 7, field);
            return;
        }
        int index = StaticTable.indexOfName(name);
        integer(0x00, 4, index);
        if (index == 0) {
            string(name);
        }
        string(value);
    }

    /** Returns the array whose first {@link #length} octets are the block; valid until the next {@link #begin}. */
    public byte[] block() {
        return block;
    }

    /** Returns how many octets the block has so far. */
    public int length() {
        return length;
    }

    /** Returns what a field counts against a peer's SETTINGS_MAX_HEADER_LIST_SIZE. */
    public static int listBytesOf(String name, String value) {
        return DynamicTable.bytesOf(name, value);
    }

    private void string(String text) {
        integer(0x00, 7, text.length());
        reserve(text.length());
        for (int i = 0; i < text.length(); i++) {
            block[length++] = (byte) text.charAt(i);
        }
    }

    private void integer(int pattern, int prefixBits, int value) {
        reserve(6);
        int mask = (1 << prefixBits) - 1;
        if (value < mask) {
            block[length++] = (byte) (pattern | value);
            return;
        }
        block[length++] = (byte) (pattern | mask);
        int rest = value - mask;
        while (rest >= 0x80) {
            block[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        block[length++] = (byte) rest;
    }

    private void reserve(int bytes) {
        if (block.length - length < bytes) {
            block = Arrays.copyOf(block, Math.max(256, Math.max(block.length * 2, length + bytes)));
        }
    }
}
