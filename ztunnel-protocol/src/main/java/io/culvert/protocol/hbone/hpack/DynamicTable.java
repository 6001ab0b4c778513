package io.culvert.protocol.hbone.hpack;

import java.util.Arrays;

/**
 * The header fields that the peer chose to remember, newest first (RFC 7541, section 2.3.2).
 *
 * <p>Bounds: the entries' names, values and 32 octets each never exceed the maximum; older entries go first.
 */
final class DynamicTable {
    static final int ENTRY_OVERHEAD_BYTES = 32;

    private String[] names = new String[0];
    private String[] values = new String[0];
    private int newest;
    private int count;
    private int sizeBytes;
    private int sizeBytesMax;

    DynamicTable(int sizeBytesMax) {
        this.sizeBytesMax = sizeBytesMax;
    }

    int count() {
        return count;
    }

    int sizeBytes() {
        return sizeBytes;
    }

    int sizeBytesMax() {
        return sizeBytesMax;
    }

    /** Returns the name of the entry at {@code age}, where 0 is the newest. */
    String name(int age) {
        return names[slot(age)];
    }

    String value(int age) {
        return values[slot(age)];
    }

    void resize(int bytesMax) {
        sizeBytesMax = bytesMax;
        evictDownTo(bytesMax);
    }

    /** Adds an entry; one larger than the whole table empties it, which is not an error. */
    void add(String name, String value) {
        int bytes = bytesOf(name, value);
        evictDownTo(sizeBytesMax - bytes);
        if (bytes > sizeBytesMax) {
            return;
        }
        if (count == names.length) {
            grow();
        }
        newest = newest == 0 ? names.length - 1 : newest - 1;
        names[newest] = name;
        values[newest] = value;
        count++;
        sizeBytes += bytes;
    }

    static int bytesOf(String name, String value) {
        return name.length() + value.length() + ENTRY_OVERHEAD_BYTES;
    }

    private int slot(int age) {
        int slot = newest + age;
        return slot < names.length ? slot : slot - names.length;
    }

    private void evictDownTo(int bytes) {
        while (count > 0 && sizeBytes > bytes) {
            int oldest = slot(count - 1);
            sizeBytes -= bytesOf(names[oldest], values[oldest]);
            names[oldest] = "";
            values[oldest] = "";
            count--;
        }
    }

    private void grow() {
        int capacity = Math.max(8, names.length * 2);
        String[] biggerNames = new String[capacity];
        String[] biggerValues = new String[capacity];
        Arrays.fill(biggerNames, "");
        Arrays.fill(biggerValues, "");
        for (int age = 0; age < count; age++) {
            biggerNames[age] = name(age);
            biggerValues[age] = value(age);
        }
        names = biggerNames;
        values = biggerValues;
        newest = 0;
    }
}
