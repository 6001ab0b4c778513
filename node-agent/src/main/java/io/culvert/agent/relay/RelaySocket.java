package io.culvert.agent.relay;

import io.culvert.agent.base.Pipe;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A connected TCP socket as the data path uses it: non-blocking, its readiness remembered and told on the edge.
 *
 * <p>Runs on: its loop. Owns: its descriptor, closed once by {@link #close} or {@link #abort}.
 *
 * <p>Errors: a broken connection is an answer of {@link #read} and {@link #write}, never an exception.
 */
public interface RelaySocket {
    /** {@link #read}: the peer has ended its direction. */
    int END = -1;
    /** {@link #read} and {@link #write}: the connection is broken. */
    int BROKEN = -2;
    /** {@link #read(Pipe, int)}: the bytes have to be read into a buffer. */
    int NOT_SPLICED = -3;
    /** {@link RelayPeer#splice} and {@link PeerEvents#splice}: nothing more is taken until what waits has gone. */
    int FULL = -4;

    /** Told of readiness; reads and writes until the socket says that it is not ready. */
    @FunctionalInterface
    interface Listener {
        void onReady();

        /** {@link #onReady} threw: we are wrong, and this connection must not go on. */
        default void onFault(RuntimeException fault) {}
    }

    /** Replaces who is told. */
    void listener(Listener next);

    /** Whether {@link #read} may find something: bytes, the end, or the news that the connection broke. */
    boolean isReadable();

    /** Whether what is unread lies in the loop's own buffers, so that reading it takes hardly more of them. */
    default boolean isBuffered() {
        return false;
    }

    /** Whether the last {@link #write} was taken whole. */
    boolean isWritable();

    /** Whether the connection is known to be broken: what is still unread comes first, then {@link #BROKEN}. */
    boolean errorSeen();

    /**
     * Once it is broken: the system's error when it was no reset, but a peer or a network that went away; null when the peer
     * reset it.
     */
    default @Nullable String failure() {
        return null;
    }

    /**
     * Reads once into the buffer's remaining space.
     *
     * @return bytes read, 0 for nothing now, {@link #END} or {@link #BROKEN}
     */
    int read(ByteBuffer into);

    /**
     * Writes the buffer's remaining bytes as far as they are taken.
     *
     * @return bytes taken, possibly fewer than remained, or {@link #BROKEN}; what was received before it broke can still
     *     be read
     */
    int write(ByteBuffer from);

    /** Whether {@link #write(Pipe)} is to be had, and {@link #read(Pipe, int)} mostly. */
    default boolean splices() {
        return false;
    }

    /**
     * Moves once what has come into a pipe. Where that was not empty 0 may also mean that it is full.
     *
     * @param most how many bytes at most
     * @return bytes moved, 0 for nothing now, {@link #END}, {@link #BROKEN} or {@link #NOT_SPLICED}
     */
    default int read(Pipe into, int most) {
        return NOT_SPLICED;
    }

    /**
     * Moves what is in the pipe as far as it is taken.
     *
     * @return bytes taken, or {@link #BROKEN}
     */
    default int write(Pipe from) {
        throw new UnsupportedOperationException("no socket of the kernel's");
    }

    /** Ends our direction: the peer reads the end after all that was written. */
    void shutdownWrite();

    /** Closes with a TCP RST, unread and unsent bytes dropped. */
    void abort();

    /** Closes; what was written still goes out, unless bytes are left unread. */
    void close();

    boolean isClosed();

    /** The peer's address; null when the socket is not connected, unless it was accepted. */
    @Nullable
    InetSocketAddress remoteAddress();

    /** Our own address, or null when the socket is closed. */
    @Nullable
    InetSocketAddress localAddress();
}
