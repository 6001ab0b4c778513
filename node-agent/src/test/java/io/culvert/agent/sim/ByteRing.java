package io.culvert.agent.sim;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** A queue of bytes. */
final class ByteRing {
    private byte[] bytes = new byte[256];
    private int head;
    private int size;

    int size() {
        return size;
    }

    void put(ByteBuffer from, int count) {
        reserve(count);
        int at = head + size & bytes.length - 1;
        int first = Math.min(count, bytes.length - at);
        from.get(bytes, at, first);
        from.get(bytes, 0, count - first);
        size += count;
    }

    void take(ByteBuffer to, int count) {
        int first = Math.min(count, bytes.length - head);
        to.put(bytes, head, first);
        to.put(bytes, 0, count - first);
        drop(count);
    }

    void moveTo(ByteRing to, int count) {
        to.reserve(count);
        for (int left = count; left > 0; ) {
            int part = Math.min(left, bytes.length - head);
            to.put(ByteBuffer.wrap(bytes, head, part), part);
            drop(part);
            left -= part;
        }
    }

    private void drop(int count) {
        head = head + count & bytes.length - 1;
        size -= count;
    }

    void clear() {
        size = 0;
    }

    private void reserve(int count) {
        if (size + count <= bytes.length) {
            return;
        }
        byte[] larger = new byte[Integer.highestOneBit(size + count) * 2];
        int first = Math.min(size, bytes.length - head);
        System.arraycopy(bytes, head, larger, 0, first);
        System.arraycopy(bytes, 0, larger, first, size - first);
        bytes = larger;
        head = 0;
    }

    @Override
    public String toString() {
        return size + " of " + Arrays.toString(new int[] {bytes.length});
    }
}
