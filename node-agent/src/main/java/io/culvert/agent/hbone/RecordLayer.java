package io.culvert.agent.hbone;

import io.culvert.agent.relay.RelaySocket;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Makes and reads a transport's TLS records: the library does, {@link LibraryRecords}, or the kernel, {@link KernelRecords}.
 *
 * <p>Runs on: the transport's loop.
 *
 * <p>Source: RFC 8446, section 5.
 */
interface RecordLayer {
    /** The transport, as its records see it. */
    interface Owner {
        /** The handshake is complete. */
        void onSecured();

        boolean isSecured();

        /** Over for whoever uses the transport. */
        boolean isClosed();

        /** So much plaintext came, from the buffer's start to its position; it is cleared. */
        void deliver(ByteBuffer plain);

        /** Sends the buffer's remaining bytes, now or later, in order. */
        void push(ByteBuffer out);

        /** Sends a record of its own behind all that waits. */
        void pushControl(int type, byte[] octets);

        /** How many of the bytes that come next are payload; 0 when something else does. */
        int payloadLeft();

        /** Moves some of these to whoever they are for: as {@link Transport.Events#onPayload}. */
        int onPayload(RelaySocket from, int most);

        /** How many bytes at least there are to the end of the next header when no payload comes before. */
        int untilHeader();

        void fail(Transport.Failure failure, @Nullable Throwable cause);
    }

    /** Why it ends, for the peer to read. */
    enum LastWord {
        /** We have no more to say. */
        GOOD_BYE,
        /** The peer did something wrong. */
        ALERT
    }

    /** Whether what comes with the next read could be kept; when not, the transport is told once it can. */
    boolean canKeepWhatComes();

    /**
     * Reads once what the socket has, and delivers it.
     *
     * @return how many bytes
     */
    int read();

    /** Gives back what was only needed while it was read. */
    void afterReading();

    /** Protects all of the buffer and pushes it. */
    void write(ByteBuffer plain) throws SSLException;

    /** Pushes what is to be said last. */
    void sayLastWord(LastWord word) throws SSLException;

    /** Reads once, and drops what it was: as {@link RelaySocket#read}. */
    int discard();

    /** Whether the kernel has sent all that it was given, so that our direction may be ended. */
    boolean isFlushed();

    /** Whether bytes may go past the process by way of a pipe. */
    boolean splices();

    /** Drops what is kept: nothing is read or written any more but {@link #discard}. */
    void release();
}
