package io.culvert.agent.xds;

/**
 * How far a stream is read ahead of whoever takes its messages: small ones in numbers, so that a burst waits here and is taken at
 * one go; a large one alone. How large the next is cannot be known, so only one is asked for at a time.
 *
 * <p>Runs on: any. Bounds: {@link #MESSAGES_MAX}; beyond the one that is on its way {@link #BYTES_MAX}, or else a single larger
 * one.
 */
final class ReadAhead {
    static final int MESSAGES_MAX = 64;
    static final int BYTES_MAX = 1 << 20;

    private int messages;
    private long bytes;
    private boolean asked;

    /** Begins; the first message is asked for. */
    synchronized void begin() {
        asked = true;
    }

    /** A message came and waits. Whether to ask for the next one. */
    synchronized boolean came(int size) {
        messages++;
        bytes += size;
        asked = messages < MESSAGES_MAX && bytes < BYTES_MAX;
        return asked;
    }

    /** A message was taken. Whether to ask for the next one: not before half is taken, for asking from afar costs. */
    synchronized boolean taken(int size) {
        messages--;
        bytes -= size;
        boolean now = !asked && messages <= MESSAGES_MAX / 2 && bytes <= BYTES_MAX / 2;
        asked |= now;
        return now;
    }
}
