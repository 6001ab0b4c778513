package io.culvert.protocol.hbone.frame;

import java.nio.ByteBuffer;

/**
 * Takes the frames of one connection as they arrive; lengths, flags and their order have been checked.
 *
 * <p>A DATA frame comes as {@link #data}, any number of {@link #dataPayload} or {@link #dataPassed}, then {@link #dataEnd};
 * every other frame in one piece.
 */
public interface FrameSink {
    /** A frame header stands; called before anything else of that frame. */
    void frame(int type) throws Http2Exception;

    /** A DATA frame begins; {@code flowBytes} is what it costs, padding included. */
    void data(int streamId, int flowBytes, boolean endStream) throws Http2Exception;

    /** The next {@code length} octets from the buffer's position are payload; the parser moves the position. */
    void dataPayload(ByteBuffer in, int length) throws Http2Exception;

    /** So many octets of payload arrived that the parser has not seen. */
    void dataPassed(int length) throws Http2Exception;

    /** The DATA frame has {@code paddingBytes} that are not payload, its length octet included. */
    void dataPadding(int paddingBytes) throws Http2Exception;

    /** The DATA frame is complete. */
    void dataEnd() throws Http2Exception;

    /** A header block is complete: {@code block[0, length)}; {@code dependsOn} is -1 without priority fields. */
    void headers(int streamId, boolean endStream, int dependsOn, byte[] block, int length) throws Http2Exception;

    void priority(int streamId, int dependsOn) throws Http2Exception;

    void reset(int streamId, int code) throws Http2Exception;

    /** A SETTINGS frame of {@code length / 6} entries in {@code payload[0, length)}. */
    void settings(byte[] payload, int length) throws Http2Exception;

    void settingsAck() throws Http2Exception;

    void ping(boolean ack, long opaque) throws Http2Exception;

    /** A GOAWAY; of its debug data the first octets. */
    void goAway(int lastStreamId, int code, String debug) throws Http2Exception;

    /** A WINDOW_UPDATE with an increment of 0 to 2^31-1. */
    void windowUpdate(int streamId, int increment) throws Http2Exception;

    /** A frame of a type that RFC 9113 does not know; its payload is skipped. */
    void unknown(int length) throws Http2Exception;
}
