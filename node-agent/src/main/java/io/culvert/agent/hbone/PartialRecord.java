package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Chunk;
import io.culvert.agent.base.Loop;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The beginning of a TLS record whose rest has not come yet.
 *
 * <p>Runs on: its loop. Owns: the buffer that it is kept in.
 *
 * <p>Bounds: one record; of a peer that has proved nothing yet no more memory than it sent bytes, on the heap.
 *
 * <p>Source: RFC 8446, section 5.1.
 */
final class PartialRecord {
    private static final int HEADER_BYTES = 5;
    private static final int LENGTH_AT = 3;

    private final BufferShare share;
    private @Nullable Chunk held;
    private @Nullable ByteBuffer unproven;
    /** Where one could be kept, while it is not known whether there will be one. */
    private @Nullable Chunk spare;

    PartialRecord(BufferShare share) {
        this.share = share;
    }

    /** Makes sure that whatever is left of a record after the next read can be kept; false when no buffer is lent for it. */
    boolean makeSure() {
        Chunk had = held;
        if (spare == null && (had == null || had.bytes().capacity() < Loop.TLS_RECORD_BYTES_MAX)) {
            spare = share.borrowForRecord();
            return spare != null;
        }
        return true;
    }

    boolean isEmpty() {
        return held == null && unproven == null;
    }

    /** How much of the record that has begun is missing, or of its header as long as that is not whole. */
    int missing() {
        Chunk had = held;
        ByteBuffer begun = had != null ? had.bytes() : unproven;
        if (begun == null) {
            return HEADER_BYTES;
        }
        int have = begun.position();
        return have < HEADER_BYTES
                ? HEADER_BYTES - have
                : HEADER_BYTES + Short.toUnsignedInt(begun.getShort(LENGTH_AT)) - have;
    }

    /** Where the record at the buffer's position ends, or the buffer's limit when that comes before. */
    static int endOfRecord(ByteBuffer records) {
        if (records.remaining() < HEADER_BYTES) {
            return records.limit();
        }
        int end = records.position()
                + HEADER_BYTES
                + Short.toUnsignedInt(records.getShort(records.position() + LENGTH_AT));
        return Math.min(end, records.limit());
    }

    /** Moves what is there in front of what is read next. */
    void moveTo(ByteBuffer in) {
        ByteBuffer heap = unproven;
        if (heap != null) {
            in.put(heap.flip());
            unproven = null;
        }
        Chunk had = held;
        if (had != null) {
            in.put(had.bytes().flip());
            held = null;
            if (spare == null) {
                spare = had;
            } else {
                had.giveBack();
            }
        }
    }

    /**
     * Keeps the rest of what was read.
     *
     * @param proven whether the peer's handshake is done
     * @return false when it announces more than a record may hold
     */
    boolean keep(ByteBuffer rest, boolean proven) {
        if (announcesTooMuch(rest)) {
            return false;
        }
        Chunk into = rest.remaining() <= BufferPool.SMALL && proven ? share.borrowForTunnel(BufferPool.SMALL) : null;
        if (into == null) {
            into = spare;
            spare = null;
        }
        if (into == null) {
            unproven = ByteBuffer.allocate(rest.remaining()).put(rest);
        } else {
            into.bytes().clear().put(rest);
            held = into;
        }
        return true;
    }

    /** The engine finds out only when all of it is there, and until then it would have to be kept. */
    private static boolean announcesTooMuch(ByteBuffer record) {
        return record.remaining() >= HEADER_BYTES
                && Short.toUnsignedInt(record.getShort(record.position() + LENGTH_AT)) + HEADER_BYTES
                        > Loop.TLS_RECORD_BYTES_MAX;
    }

    /** Gives back the buffer that was not needed. */
    void keepNoSpare() {
        Chunk unused = spare;
        if (unused != null) {
            spare = null;
            unused.giveBack();
        }
    }

    /** Drops what is there. */
    void release() {
        unproven = null;
        Chunk had = held;
        if (had != null) {
            held = null;
            had.giveBack();
        }
        keepNoSpare();
    }
}
