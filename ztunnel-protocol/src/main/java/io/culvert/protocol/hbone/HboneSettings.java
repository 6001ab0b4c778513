package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.FrameLimits;
import io.culvert.protocol.hbone.hpack.HpackDecoder;

/**
 * What our side of a session announces and allows.
 *
 * <p>Bounds: each component within the range that its check names.
 *
 * @param streamWindowBytes what one stream may send us before we return credit, once its window has grown to the full
 * @param connectionWindowBytes the same over all streams
 * @param frameBytesMax the longest frame that we take
 * @param headerListBytesMax the longest header list that we take, by RFC 9113's count; also bounds an encoded block
 * @param streamsMax server: the streams a peer may have open; client: the streams we open if the peer allows as many
 * @param headerTableBytes the dynamic table that a peer's encoder may use
 * @param continuationsMax the CONTINUATION frames that one header block may take
 * @param outputBytesMax the control output that may wait for the peer to read
 */
public record HboneSettings(
        int streamWindowBytes,
        int connectionWindowBytes,
        int frameBytesMax,
        int headerListBytesMax,
        int streamsMax,
        int headerTableBytes,
        int continuationsMax,
        int outputBytesMax) {
    public HboneSettings {
        check("streamWindowBytes", streamWindowBytes, 1, Integer.MAX_VALUE);
        check("connectionWindowBytes", connectionWindowBytes, FlowControl.WINDOW_BYTES_DEFAULT, Integer.MAX_VALUE);
        check("frameBytesMax", frameBytesMax, FrameHeader.MAX_FRAME_SIZE_LEAST, FrameHeader.MAX_FRAME_SIZE_MOST);
        check("headerListBytesMax", headerListBytesMax, 1024, 1 << 20);
        check("streamsMax", streamsMax, 1, 1 << 20);
        check("headerTableBytes", headerTableBytes, 0, 1 << 16);
        check("continuationsMax", continuationsMax, 0, 1024);
        check("outputBytesMax", outputBytesMax, 4096, 1 << 26);
    }

    /** Returns what the originator of tunnels announces. */
    public static HboneSettings forClient() {
        return new HboneSettings(
                4 << 20, 16 << 20, 1 << 20, 16_384, 100, HpackDecoder.TABLE_BYTES_DEFAULT, 16, 256 << 10);
    }

    /** Returns what the inbound side announces. */
    public static HboneSettings forServer() {
        return new HboneSettings(
                4 << 20, 16 << 20, 1 << 20, 65_536, 200, HpackDecoder.TABLE_BYTES_DEFAULT, 16, 256 << 10);
    }

    public HboneSettings withWindows(int streamBytes, int connectionBytes) {
        return new HboneSettings(
                streamBytes,
                connectionBytes,
                frameBytesMax,
                headerListBytesMax,
                streamsMax,
                headerTableBytes,
                continuationsMax,
                outputBytesMax);
    }

    public HboneSettings withFrameBytesMax(int bytes) {
        return new HboneSettings(
                streamWindowBytes,
                connectionWindowBytes,
                bytes,
                headerListBytesMax,
                streamsMax,
                headerTableBytes,
                continuationsMax,
                outputBytesMax);
    }

    public HboneSettings withStreamsMax(int streams) {
        return new HboneSettings(
                streamWindowBytes,
                connectionWindowBytes,
                frameBytesMax,
                headerListBytesMax,
                streams,
                headerTableBytes,
                continuationsMax,
                outputBytesMax);
    }

    public HboneSettings withHeaderListBytesMax(int bytes) {
        return new HboneSettings(
                streamWindowBytes,
                connectionWindowBytes,
                frameBytesMax,
                bytes,
                streamsMax,
                headerTableBytes,
                continuationsMax,
                outputBytesMax);
    }

    public HboneSettings withHeaderTableBytes(int bytes) {
        return new HboneSettings(
                streamWindowBytes,
                connectionWindowBytes,
                frameBytesMax,
                headerListBytesMax,
                streamsMax,
                bytes,
                continuationsMax,
                outputBytesMax);
    }

    public HboneSettings withOutputBytesMax(int bytes) {
        return new HboneSettings(
                streamWindowBytes,
                connectionWindowBytes,
                frameBytesMax,
                headerListBytesMax,
                streamsMax,
                headerTableBytes,
                continuationsMax,
                bytes);
    }

    FrameLimits frameLimits() {
        return new FrameLimits(frameBytesMax, headerListBytesMax, continuationsMax);
    }

    private static void check(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " = " + value + " is not within " + least + ".." + most);
        }
    }
}
