package io.culvert.protocol.hbone.hpack;

import java.nio.charset.StandardCharsets;

/**
 * Decodes the header blocks of one direction of a connection, in order, keeping the peer's dynamic table.
 *
 * <p>Owns: the dynamic table and a scratch buffer. Runs on: one loop.
 *
 * <p>Bounds: the dynamic table by what our SETTINGS allow; a list past its maximum is still decoded, so that the table
 * stays right, but no longer handed on; integers by 28 bits; strings by the block they stand in.
 *
 * <p>Source: RFC 7541.
 */
public final class HpackDecoder {
    /** The table size that holds until SETTINGS say otherwise. */
    public static final int TABLE_BYTES_DEFAULT = 4096;

    private static final int SCRATCH_BYTES_KEPT = 2048;
    private static final byte[] NOTHING = new byte[0];

    private final DynamicTable table = new DynamicTable(TABLE_BYTES_DEFAULT);
    private final int listBytesMax;
    private int tableBytesMax = TABLE_BYTES_DEFAULT;
    private byte[] scratch = NOTHING;
    private byte[] in = NOTHING;
    private int at;
    private int end;

    /** Makes a decoder that hands on at most {@code listBytesMax} per block, counted as RFC 9113 counts a list. */
    public HpackDecoder(int listBytesMax) {
        this.listBytesMax = listBytesMax;
    }

    /** Sets what the peer may use; after a reduction below its present size it must say so in the next block. */
    public void limitTable(int bytes) {
        tableBytesMax = bytes;
    }

    /** Returns the octets that the dynamic table holds now, by RFC 7541's count. */
    public int tableBytes() {
        return table.sizeBytes();
    }

    /** Decodes {@code block[from, to)}; false when the list was longer than allowed and not handed on in full. */
    public boolean decode(byte[] block, int from, int to, HeaderSink sink) throws HpackException {
        in = block;
        at = from;
        end = to;
        try {
            sizeUpdates();
            return fields(sink);
        } finally {
            in = NOTHING;
            if (scratch.length > SCRATCH_BYTES_KEPT) {
                scratch = NOTHING;
            }
        }
    }

    private void sizeUpdates() throws HpackException {
        while (at < end && (in[at] & 0xE0) == 0x20) {
            int bytes = integer(5);
            if (bytes > tableBytesMax) {
                throw new HpackException("dynamic table size update past the limit");
            }
            table.resize(bytes);
        }
        if (table.sizeBytesMax() > tableBytesMax) {
            throw new HpackException("dynamic table size update is missing after a reduction");
        }
    }

    private boolean fields(HeaderSink sink) throws HpackException {
        long listBytes = 0;
        while (at < end) {
            int first = in[at];
            String name;
            String value;
            if ((first & 0x80) != 0) {
                int index = integer(7);
                name = nameAt(index);
                value = valueAt(index);
            } else if ((first & 0x60) == 0x20) {
                throw new HpackException("dynamic table size update inside a block");
            } else {
                boolean remember = (first & 0x40) != 0;
                int index = integer(remember ? 6 : 4);
                name = index == 0 ? string() : nameAt(index);
                value = string();
                if (remember) {
                    table.add(name, value);
                }
            }
            listBytes += DynamicTable.bytesOf(name, value);
            if (listBytes <= listBytesMax) {
                sink.header(name, value);
            }
        }
        return listBytes <= listBytesMax;
    }

    private String nameAt(int index) throws HpackException {
        return index <= StaticTable.SIZE && index > 0 ? StaticTable.name(index) : table.name(age(index));
    }

    private String valueAt(int index) throws HpackException {
        return index <= StaticTable.SIZE && index > 0 ? StaticTable.value(index) : table.value(age(index));
    }

    private int age(int index) throws HpackException {
        int age = index - StaticTable.SIZE - 1;
        if (age < 0 || age >= table.count()) {
            throw new HpackException("no header field has this index");
        }
        return age;
    }

    private String string() throws HpackException {
        if (at == end) {
            throw new HpackException("header block ends inside a field");
        }
        boolean huffman = in[at] < 0;
        int length = integer(7);
        if (length > end - at) {
            throw new HpackException("string is longer than its header block");
        }
        int from = at;
        at += length;
        if (!huffman) {
            return new String(in, from, length, StandardCharsets.ISO_8859_1);
        }
        int decodedMax = Huffman.decodedBytesMax(length);
        if (scratch.length < decodedMax) {
            scratch = new byte[Math.max(256, decodedMax)];
        }
        return new String(scratch, 0, Huffman.decode(in, from, at, scratch), StandardCharsets.ISO_8859_1);
    }

    /** Reads an integer whose first octet, at the cursor, has {@code prefixBits} of it (RFC 7541, section 5.1). */
    private int integer(int prefixBits) throws HpackException {
        int mask = (1 << prefixBits) - 1;
        int value = in[at++] & mask;
        if (value < mask) {
            return value;
        }
        for (int shift = 0; shift < 28; shift += 7) {
            if (at == end) {
                throw new HpackException("header block ends inside an integer");
            }
            int octet = in[at++];
            value += (octet & 0x7F) << shift;
            if (octet >= 0) {
                return value;
            }
        }
        throw new HpackException("integer is longer than 28 bits");
    }
}
