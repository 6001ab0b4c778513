package io.culvert.protocol.hbone;

import java.util.Arrays;

/** The ids of the last streams that ended in one way, so that late frames for them are judged fairly. */
final class RecentStreams {
    private final int capacity;
    private int[] ids = new int[0];
    private int count;

    RecentStreams(int capacity) {
        this.capacity = capacity;
    }

    void add(int id) {
        if (count >= ids.length && ids.length < capacity) {
            ids = Arrays.copyOf(ids, Math.min(capacity, Math.max(8, ids.length * 2)));
        }
        ids[count % ids.length] = id;
        // Once the ring is full the counter only has to stay on the same slot, never to overflow.
        count = count + 1 == 2 * capacity ? capacity : count + 1;
    }

    boolean contains(int id) {
        return indexOf(id) >= 0;
    }

    /** Forgets an id; false when it was not there. */
    boolean remove(int id) {
        int i = indexOf(id);
        if (i >= 0) {
            ids[i] = 0;
        }
        return i >= 0;
    }

    private int indexOf(int id) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == id) {
                return i;
            }
        }
        return -1;
    }
}
