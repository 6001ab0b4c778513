package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/** The open streams by id: open addressing, so that looking one up allocates nothing. */
final class StreamTable {
    private static final int CAPACITY_LEAST = 8;

    private @Nullable HboneStream[] slots = new @Nullable HboneStream[CAPACITY_LEAST];
    private int size;

    int size() {
        return size;
    }

    @Nullable
    HboneStream find(int id) {
        for (int i = home(id); ; i = next(i)) {
            HboneStream s = slots[i];
            if (s == null || s.id() == id) {
                return s;
            }
        }
    }

    void add(HboneStream s) {
        if (size * 2 >= slots.length) {
            rehash(slots.length * 2);
        }
        put(s);
        size++;
    }

    void remove(HboneStream s) {
        int i = home(s.id());
        while (slots[i] != s) {
            if (slots[i] == null) {
                return;
            }
            i = next(i);
        }
        slots[i] = null;
        size--;
        for (int j = next(i); ; j = next(j)) {
            HboneStream moved = slots[j];
            if (moved == null) {
                break;
            }
            slots[j] = null;
            put(moved);
        }
        if (slots.length > CAPACITY_LEAST && size * 8 < slots.length) {
            rehash(slots.length / 2);
        }
    }

    /** Returns the streams that are open now; streams may come and go while the caller walks them. */
    HboneStream[] snapshot() {
        HboneStream[] all = new HboneStream[size];
        int n = 0;
        for (HboneStream s : slots) {
            if (s != null) {
                all[n++] = s;
            }
        }
        return all;
    }

    private void put(HboneStream s) {
        int i = home(s.id());
        while (slots[i] != null) {
            i = next(i);
        }
        slots[i] = s;
    }

    private void rehash(int capacity) {
        @Nullable HboneStream[] before = slots;
        slots = new @Nullable HboneStream[capacity];
        for (HboneStream s : before) {
            if (s != null) {
                put(s);
            }
        }
    }

    private int home(int id) {
        return id >>> 1 & slots.length - 1;
    }

    private int next(int i) {
        return i + 1 & slots.length - 1;
    }
}
