package io.culvert.shim;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The calling thread's piece of native memory, through which structs pass to and from C without an allocation per call.
 *
 * <pre>
 * offset size struct culvert_socket_request      offset size struct culvert_socket_address
 *  0      8   high                                0      8   high
 *  8      8   low                                 8      8   low
 * 16      8   source_high                        16      4   port
 * 24      8   source_low
 * 32      4   home_fd                            offset size struct culvert_netns_id
 * 36      4   pod_fd, -1 for none                 0      8   inode
 * 40      4   port                                8      8   device
 * 44      4   mark
 * 48      4   keep_idle (s)                      offset size struct culvert_splice_pipe
 * 52      4   keep_interval (s)                   0      4   read_fd
 * 56      4   keep_probes                         4      4   write_fd
 * 60      4   user_timeout (ms)
 * 64      4   flags
 * 68      4   backlog
 * 72      4   step (out)
 *
 * offset size struct culvert_tls_keys            offset size octets of a record that is no data
 *  0      8   sequence                           80    512
 *  8      4   cipher
 * 12     32   key
 * 44     12   iv
 * </pre>
 */
final class Scratch {
    static final int NODELAY = 1;
    static final int REUSEPORT = 2;
    static final int TRANSPARENT = 4;
    static final int TRANSPARENT_REQUIRED = 8;

    /** What of a record that is no data is taken at once. */
    static final int RECORD_BYTES = 512;

    private static final int RECORD_AT = 80;
    private static final int BYTES = RECORD_AT + RECORD_BYTES;
    private static final ThreadLocal<Scratch> CURRENT = ThreadLocal.withInitial(Scratch::new);
    private static final String[] STEPS = steps();

    private final ByteBuffer memory = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
    private final long address = MemorySegment.ofBuffer(memory).address();

    private Scratch() {}

    static Scratch current() {
        return CURRENT.get();
    }

    long address() {
        return address;
    }

    long longAt(int offset) {
        return memory.getLong(offset);
    }

    int intAt(int offset) {
        return memory.getInt(offset);
    }

    Scratch namespaces(int homeFd, int podFd) {
        memory.putInt(32, homeFd).putInt(36, podFd);
        return this;
    }

    Scratch address(long high, long low, int port) {
        memory.putLong(0, high).putLong(8, low).putInt(40, port);
        return this;
    }

    Scratch source(long high, long low) {
        memory.putLong(16, high).putLong(24, low);
        return this;
    }

    Scratch options(ConnectSpec spec) {
        memory.putInt(44, spec.mark())
                .putInt(48, spec.keepalive().idleSeconds())
                .putInt(52, spec.keepalive().intervalSeconds())
                .putInt(56, spec.keepalive().probes())
                .putInt(60, spec.userTimeoutMillis())
                .putInt(64, spec.noDelay() ? NODELAY : 0);
        return this;
    }

    Scratch server(int mark, int flags, int backlog) {
        memory.putInt(44, mark).putInt(64, flags).putInt(68, backlog);
        return this;
    }

    Scratch keys(KernelTls.Keys keys, long sequence) {
        memory.putLong(0, sequence).putInt(8, keys.cipher().number());
        memory.put(12, keys.key()).put(44, keys.iv());
        return this;
    }

    long recordAddress() {
        return address + RECORD_AT;
    }

    void record(byte[] octets) {
        memory.put(RECORD_AT, octets);
    }

    void record(ByteBuffer octets) {
        memory.put(RECORD_AT, octets, octets.position(), octets.remaining());
    }

    void copyRecord(byte[] into, int length) {
        memory.get(RECORD_AT, into, 0, length);
    }

    /** The failure of the request just made: the step that C wrote down, and the errno. */
    ShimException failure(long result) {
        return new ShimException(STEPS[memory.getInt(72)], (int) -result);
    }

    private static String[] steps() {
        String[] names = new String[64];
        int count = 0;
        for (String name = step(0); name != null; name = step(count)) {
            names[count++] = name;
        }
        return java.util.Arrays.copyOf(names, count);
    }

    private static @Nullable String step(int index) {
        return NativeLibrary.CALLS.culvert_errno_step(index);
    }
}
