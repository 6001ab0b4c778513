package io.culvert.agent.base;

import java.nio.ByteBuffer;

/**
 * What the data path asks of the loop that it runs on: turns, time and buffers.
 *
 * <p>Runs on: its own thread, except {@link #execute} and {@link #schedule}, which any thread may call.
 *
 * <p>Owns: four scratch buffers, each used only within one call chain and never kept, and the pools of buffers and
 * pipes that may be kept.
 */
public interface Loop {
    /** One read's worth: four TLS records. */
    int READ_BYTES_MAX = 64 * 1024;
    /**
     * A TLS record never exceeds this on the wire. Source: RFC 8446 section 5.2; of 1.2, the AES-GCM suites add 24 bytes
     * (RFC 5288).
     */
    int TLS_RECORD_BYTES_MAX = 5 + 16_384 + 256;

    /** Runs a task on the loop; from the loop itself, after the events of this tick. */
    void execute(Runnable task);

    /** Runs a task on the loop after a delay, unless it is cancelled before. */
    Timer schedule(Runnable task, long delayNanos);

    /** The monotonic time by which timers run. */
    long nanoTime();

    /** Buffers that may be kept beyond the call chain. */
    BufferShare buffers();

    /** What all shares of this loop's buffers are of. */
    BufferPool pool();

    /** Pipes for bytes that go from socket to socket. */
    PipeShare pipes();

    /** What all shares of this loop's pipes are of. */
    PipePool pipePool();

    /** Scratch for ciphertext just read, cleared. */
    ByteBuffer cipherIn();

    /** Scratch for plaintext just decrypted, cleared. */
    ByteBuffer plainIn();

    /** Scratch for ciphertext about to be written, cleared. */
    ByteBuffer cipherOut();

    /** Scratch for bytes relayed between two plain sockets, cleared. */
    ByteBuffer relayScratch();
}
