package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.FrameLimits;
import io.culvert.protocol.hbone.frame.FrameParser;
import io.culvert.protocol.hbone.frame.FrameSink;
import io.culvert.protocol.hbone.frame.Http2Exception;
import io.culvert.protocol.hbone.hpack.HpackDecoder;
import io.culvert.protocol.hbone.hpack.HpackException;
import io.culvert.testkit.Gen;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Frames read by this parser and by Netty's. */
class FrameParserProperties {
    private static final FrameLimits LIMITS = new FrameLimits(1 << 20, 65_536, 16);

    /** Notes frames in words that both readers can say. */
    private static final class Log implements FrameSink {
        final List<String> lines = new ArrayList<>();
        private final HpackDecoder hpack = new HpackDecoder(1 << 20);
        private String dataLine = "";
        private boolean dataEnds;
        private int dataHash;
        private int dataLength;
        private int padding;

        @Override
        public void frame(int type) {}

        @Override
        public void data(int streamId, int flowBytes, boolean endStream) {
            dataLine = "data " + streamId + " flow " + flowBytes;
            dataEnds = endStream;
            dataHash = 1;
            dataLength = 0;
            padding = 0;
        }

        @Override
        public void dataPayload(ByteBuffer in, int length) {
            for (int i = in.position(); i < in.position() + length; i++) {
                dataHash = 31 * dataHash + in.get(i);
            }
            dataLength += length;
        }

        @Override
        public void dataPassed(int length) {
            throw new AssertionError("nothing went past this parser");
        }

        @Override
        public void dataPadding(int paddingBytes) {
            padding = paddingBytes;
        }

        @Override
        public void dataEnd() {
            lines.add(dataLine + " payload " + dataLength + "/" + dataHash + " padding " + padding + " " + dataEnds);
        }

        @Override
        public void headers(int streamId, boolean endStream, int dependsOn, byte[] block, int length)
                throws Http2Exception {
            List<String> fields = new ArrayList<>();
            try {
                hpack.decode(block, 0, length, (name, value) -> fields.add(name + "=" + value));
            } catch (HpackException e) {
                throw new Http2Exception(9, String.valueOf(e.getMessage()));
            }
            lines.add("headers " + streamId + " " + endStream + " on " + dependsOn + " " + fields);
        }

        @Override
        public void priority(int streamId, int dependsOn) {
            lines.add("priority " + streamId + " on " + dependsOn);
        }

        @Override
        public void reset(int streamId, int code) {
            lines.add("reset " + streamId + " " + Integer.toUnsignedLong(code));
        }

        @Override
        public void settings(byte[] payload, int length) throws Http2Exception {
            lines.add("settings " + PeerSettings.INITIAL.with(payload, length, true));
        }

        @Override
        public void settingsAck() {
            lines.add("settings ack");
        }

        @Override
        public void ping(boolean ack, long opaque) {
            lines.add("ping " + ack + " " + opaque);
        }

        @Override
        public void goAway(int lastStreamId, int code, String debug) {
            lines.add("goaway " + lastStreamId + " " + Integer.toUnsignedLong(code) + " " + debug);
        }

        @Override
        public void windowUpdate(int streamId, int increment) {
            lines.add("window " + streamId + " " + increment);
        }

        @Override
        public void unknown(int length) {
            lines.add("unknown " + length);
        }
    }

    /** The same of what Netty reads. */
    private static final class NettyLog extends Http2FrameAdapter {
        final List<String> lines = new ArrayList<>();

        @Override
        public int onDataRead(ChannelHandlerContext ctx, int streamId, ByteBuf data, int padding, boolean end) {
            int hash = 1;
            for (int i = data.readerIndex(); i < data.writerIndex(); i++) {
                hash = 31 * hash + data.getByte(i);
            }
            int length = data.readableBytes();
            lines.add("data " + streamId + " flow " + (length + padding) + " payload " + length + "/" + hash
                    + " padding " + padding + " " + end);
            return length + padding;
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext ctx, int streamId, Http2Headers headers, int padding, boolean end) {
            lines.add("headers " + streamId + " " + end + " on -1 " + fields(headers));
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext ctx,
                int streamId,
                Http2Headers headers,
                int dependsOn,
                short weight,
                boolean exclusive,
                int padding,
                boolean end) {
            lines.add("headers " + streamId + " " + end + " on " + dependsOn + " " + fields(headers));
        }

        private static List<String> fields(Http2Headers headers) {
            List<String> fields = new ArrayList<>();
            headers.forEach(e -> fields.add(e.getKey() + "=" + e.getValue()));
            return fields;
        }

        @Override
        public void onPriorityRead(
                ChannelHandlerContext ctx, int streamId, int dependsOn, short weight, boolean exclusive) {
            lines.add("priority " + streamId + " on " + dependsOn);
        }

        @Override
        public void onRstStreamRead(ChannelHandlerContext ctx, int streamId, long errorCode) {
            lines.add("reset " + streamId + " " + errorCode);
        }

        @Override
        public void onSettingsAckRead(ChannelHandlerContext ctx) {
            lines.add("settings ack");
        }

        @Override
        public void onSettingsRead(ChannelHandlerContext ctx, Http2Settings s) {
            PeerSettings initial = PeerSettings.INITIAL;
            Long streams = s.maxConcurrentStreams();
            Long table = s.headerTableSize();
            Long list = s.maxHeaderListSize();
            Integer window = s.initialWindowSize();
            Integer frame = s.maxFrameSize();
            lines.add("settings "
                    + new PeerSettings(
                            table == null ? initial.headerTableBytes() : clamp(table),
                            streams == null ? initial.streamsMax() : clamp(streams),
                            window == null ? initial.initialWindowBytes() : window,
                            frame == null ? initial.frameBytesMax() : frame,
                            list == null ? initial.headerListBytesMax() : clamp(list)));
        }

        private static int clamp(long value) {
            return (int) Math.min(value, Integer.MAX_VALUE);
        }

        @Override
        public void onPingRead(ChannelHandlerContext ctx, long data) {
            lines.add("ping false " + data);
        }

        @Override
        public void onPingAckRead(ChannelHandlerContext ctx, long data) {
            lines.add("ping true " + data);
        }

        @Override
        public void onGoAwayRead(ChannelHandlerContext ctx, int lastStreamId, long errorCode, ByteBuf debug) {
            lines.add("goaway " + lastStreamId + " " + errorCode + " "
                    + debug.toString(java.nio.charset.StandardCharsets.ISO_8859_1));
        }

        @Override
        public void onWindowUpdateRead(ChannelHandlerContext ctx, int streamId, int increment) {
            lines.add("window " + streamId + " " + increment);
        }

        @Override
        public void onUnknownFrame(
                ChannelHandlerContext ctx,
                byte type,
                int streamId,
                io.netty.handler.codec.http2.Http2Flags flags,
                ByteBuf payload) {
            lines.add("unknown " + payload.readableBytes());
        }
    }

    private static byte[] anyFrame(Gen gen) {
        int stream = gen.intBetween(1, 1000) * 2 + 1;
        return switch (gen.intBetween(0, 9)) {
            case 0 -> Wire.frame(FrameHeader.DATA, gen.pick(0, 1), stream, gen.bytes(3000));
            case 1 -> paddedData(gen, stream);
            case 2 -> headers(gen, stream);
            case 3 -> Wire.priority(stream, gen.intBetween(0, 1000) * 2);
            case 4 -> Wire.reset(stream, (int) gen.anyLong());
            case 5 -> settings(gen);
            case 6 -> Wire.frame(FrameHeader.PING, gen.pick(0, 1), 0, Wire.concat(number(gen), number(gen)));
            case 7 ->
                Wire.frame(FrameHeader.GOAWAY, 0, 0, Wire.concat(Wire.int32(stream), number(gen), gen.bytes(256)));
            case 8 -> Wire.windowUpdate(gen.pick(0, stream), gen.intBetween(1, Integer.MAX_VALUE));
            default -> Wire.frame(gen.intBetween(10, 255), gen.intBetween(0, 255), stream, gen.bytes(2000));
        };
    }

    private static byte[] number(Gen gen) {
        return Wire.int32((int) gen.anyLong());
    }

    private static byte[] paddedData(Gen gen, int stream) {
        byte[] payload = gen.bytes(500);
        int padding = gen.intBetween(0, 255);
        byte[] whole = Wire.concat(new byte[] {(byte) padding}, payload, new byte[padding]);
        return Wire.frame(FrameHeader.DATA, FrameHeader.FLAG_PADDED | gen.pick(0, 1), stream, whole);
    }

    private static byte[] settings(Gen gen) {
        if (gen.oneIn(4)) {
            return Wire.settingsAck();
        }
        int[] pairs = new int[2 * gen.intBetween(0, 6)];
        for (int i = 0; i < pairs.length; i += 2) {
            pairs[i] = gen.pick(1, 3, 4, 5, 6);
            pairs[i + 1] = pairs[i] == 5 ? gen.intBetween(16_384, (1 << 24) - 1) : gen.intBetween(0, Integer.MAX_VALUE);
        }
        return Wire.settings(pairs);
    }

    private static byte[] headers(Gen gen, int stream) {
        byte[] block = Wire.block(":status", "200", "x", gen.text("abc ", 300), "y", gen.text("0123", 40));
        int flags = gen.pick(0, FrameHeader.FLAG_END_STREAM);
        byte[] prefix = new byte[0];
        if (gen.bool()) {
            flags |= FrameHeader.FLAG_PRIORITY;
            prefix = Wire.concat(Wire.int32(stream + 2), new byte[] {7});
        }
        byte[] padding = new byte[0];
        if (gen.bool()) {
            flags |= FrameHeader.FLAG_PADDED;
            padding = new byte[gen.intBetween(0, 255)];
            prefix = Wire.concat(new byte[] {(byte) padding.length}, prefix);
        }
        int continuations = gen.intBetween(0, 5);
        byte[] out = new byte[0];
        int at = 0;
        for (int i = 0; i <= continuations; i++) {
            int to = i == continuations ? block.length : gen.intBetween(at, block.length);
            byte[] part = Arrays.copyOfRange(block, at, to);
            at = to;
            int last = i == continuations ? FrameHeader.FLAG_END_HEADERS : 0;
            out = i == 0
                    ? Wire.frame(FrameHeader.HEADERS, flags | last, stream, Wire.concat(prefix, part, padding))
                    : Wire.concat(out, Wire.frame(FrameHeader.CONTINUATION, last, stream, part));
        }
        return out;
    }

    private static List<String> ours(Gen gen, byte[] bytes, boolean inPieces) {
        Log log = new Log();
        FrameParser parser = new FrameParser(false, LIMITS, log);
        try {
            for (int at = 0; at < bytes.length; ) {
                int n = inPieces ? Math.min(bytes.length - at, 1 + gen.size(500)) : bytes.length;
                parser.parse(ByteBuffer.wrap(bytes, at, n));
                at += n;
            }
        } catch (Http2Exception e) {
            log.lines.add("error " + e.code() + " " + e.detail());
        }
        return log.lines;
    }

    private static List<String> netty(byte[] bytes) throws Exception {
        NettyLog log = new NettyLog();
        EmbeddedChannel channel = new EmbeddedChannel(new ChannelInboundHandlerAdapter());
        ByteBuf in = Unpooled.wrappedBuffer(bytes);
        try (DefaultHttp2FrameReader reader = new DefaultHttp2FrameReader(false)) {
            reader.maxFrameSize(1 << 20);
            reader.headersConfiguration().maxHeaderListSize(1 << 20, 1 << 20);
            while (in.isReadable()) {
                reader.readFrame(channel.pipeline().firstContext(), in, log);
            }
        } finally {
            in.release();
            channel.finishAndReleaseAll();
        }
        return log.lines;
    }

    @Test
    void readsWhatNettyReads_inPiecesOfAnySize() {
        Gen.forAll(200, gen -> {
            byte[] bytes = Wire.settings();
            for (int i = gen.intBetween(1, 20); i > 0; i--) {
                bytes = Wire.concat(bytes, anyFrame(gen));
            }
            List<String> theirs = netty(bytes);
            assertEquals(theirs, ours(gen, bytes, false));
            assertEquals(theirs, ours(gen, bytes, true));
        });
    }

    @Test
    void readsDamagedFramesTheSameInOneAndInManyPieces() {
        Gen.forAll(500, gen -> {
            byte[] bytes = Wire.settings();
            for (int i = gen.intBetween(1, 5); i > 0; i--) {
                bytes = Wire.concat(bytes, anyFrame(gen));
            }
            byte[] damaged = gen.oneIn(5) ? gen.bytes(500) : gen.mutate(bytes);
            assertEquals(ours(gen, damaged, false), ours(gen, damaged, true));
        });
    }
}
