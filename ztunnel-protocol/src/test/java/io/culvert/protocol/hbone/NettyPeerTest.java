package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.Http2Code;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2PingFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.DefaultHttp2WindowUpdateFrame;
import io.netty.handler.codec.http2.Http2ChannelDuplexHandler;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2PingFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Sessions against Netty's HTTP/2 codec, which shares no code with them. */
class NettyPeerTest {
    /** Netty's side: notes what arrives, returns credit, echoes on a server. */
    private static final class Peer extends Http2ChannelDuplexHandler {
        final List<String> events = new ArrayList<>();
        final Map<Integer, Http2FrameStream> streams = new HashMap<>();
        final Map<Integer, Http2Headers> headers = new HashMap<>();
        final Map<Integer, ByteArrayOutputStream> received = new HashMap<>();
        final boolean server;

        Peer(boolean server) {
            this.server = server;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            try {
                switch (message) {
                    case Http2HeadersFrame frame -> headers(ctx, frame);
                    case Http2DataFrame frame -> data(ctx, frame);
                    case Http2ResetFrame frame ->
                        events.add("reset " + frame.stream().id() + " " + Http2Code.name((int) frame.errorCode()));
                    case Http2GoAwayFrame frame -> events.add("goaway " + frame.lastStreamId());
                    case Http2PingFrame frame -> events.add((frame.ack() ? "pong " : "ping ") + frame.content());
                    default -> {}
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        private void headers(ChannelHandlerContext ctx, Http2HeadersFrame frame) {
            int id = frame.stream().id();
            streams.put(id, frame.stream());
            headers.put(id, frame.headers());
            events.add("headers " + id + (frame.isEndStream() ? " end" : ""));
            if (server) {
                Http2Headers ok = new DefaultHttp2Headers().status("200").add("baggage", "k8s.cluster.name=x");
                write(ctx, new DefaultHttp2HeadersFrame(ok).stream(frame.stream()));
                ctx.flush();
            }
        }

        /** A failure ends the test: the embedded channel rethrows it. */
        private static void write(ChannelHandlerContext ctx, Object frame) {
            var _ = ctx.write(frame).addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
        }

        private void data(ChannelHandlerContext ctx, Http2DataFrame frame) {
            ByteBuf content = frame.content();
            byte[] bytes = new byte[content.readableBytes()];
            content.getBytes(content.readerIndex(), bytes);
            int id = frame.stream().id();
            received.computeIfAbsent(id, i -> new ByteArrayOutputStream()).write(bytes, 0, bytes.length);
            write(ctx, new DefaultHttp2WindowUpdateFrame(frame.initialFlowControlledBytes()).stream(frame.stream()));
            if (server) {
                write(ctx, new DefaultHttp2DataFrame(content.retain(), frame.isEndStream()).stream(frame.stream()));
            } else if (frame.isEndStream()) {
                events.add("end " + id);
            }
            ctx.flush();
        }
    }

    private final SplittableRandom random = new SplittableRandom(4711);
    private final List<EmbeddedChannel> channels = new ArrayList<>();

    private EmbeddedChannel channel(Http2FrameCodec codec, Peer peer) {
        EmbeddedChannel channel = new EmbeddedChannel(codec, peer);
        channels.add(channel);
        return channel;
    }

    @AfterEach
    void releaseChannels() {
        channels.forEach(EmbeddedChannel::finishAndReleaseAll);
    }

    /** Moves octets both ways, in pieces, until neither side has any; returns how many moved. */
    private int exchange(End ours, EmbeddedChannel theirs) {
        int moved = 0;
        for (int before = -1; before != moved; ) {
            before = moved;
            byte[] out = ours.drain();
            for (int at = 0; at < out.length; ) {
                int n = Math.min(out.length - at, 1 + random.nextInt(random.nextBoolean() ? 12 : 40_000));
                theirs.writeInbound(Unpooled.copiedBuffer(out, at, n));
                at += n;
            }
            moved += out.length;
            for (ByteBuf in = theirs.readOutbound(); in != null; in = theirs.readOutbound()) {
                byte[] bytes = new byte[in.readableBytes()];
                in.readBytes(bytes);
                in.release();
                ours.take(bytes);
                moved += bytes.length;
            }
        }
        return moved;
    }

    private byte[] payload(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private void sendAll(End ours, HboneStream s, byte[] payload, EmbeddedChannel theirs) {
        int at = 0;
        while (at < payload.length) {
            int n = ours.send(s, payload, at, true);
            at += n;
            assertTrue(exchange(ours, theirs) > 0 || at == payload.length, "stuck at " + at);
        }
        exchange(ours, theirs);
    }

    @Test
    void carriesMegabytesThroughAnEchoingNettyServer() {
        Peer peer = new Peer(true);
        Http2Settings settings =
                Http2Settings.defaultSettings().initialWindowSize(30_000).maxFrameSize(20_000);
        EmbeddedChannel theirs = channel(
                Http2FrameCodecBuilder.forServer().initialSettings(settings).build(), peer);
        End ours = End.client();
        exchange(ours, theirs);
        ConnectRequest request = new ConnectRequest(
                new ConnectTarget.HostTarget("web.default.svc", 80), "a=b", "for=\"1.2.3.4:5\"", "00-x", "net-1");
        HboneStream s = ours.connect(request);
        exchange(ours, theirs);
        assertTrue(ours.saw("response 1 200 k8s.cluster.name=x"));
        Http2Headers headers = peer.headers.get(1);
        assertNotNull(headers);
        assertEquals("CONNECT", String.valueOf(headers.method()));
        assertEquals("web.default.svc:80", String.valueOf(headers.authority()));
        assertEquals("a=b", String.valueOf(headers.get("baggage")));
        assertEquals("for=\"1.2.3.4:5\"", String.valueOf(headers.get("forwarded")));
        assertEquals("00-x", String.valueOf(headers.get("traceparent")));
        assertEquals("net-1", String.valueOf(headers.get("x-forwarded-network")));
        assertEquals(6, headers.size());
        byte[] payload = payload(3 << 20);
        sendAll(ours, s, payload, theirs);
        assertArrayEquals(payload, ours.received(1));
        assertTrue(s.isClosed());
        assertFalse(ours.session.isFailed());
    }

    @Test
    void carriesMegabytesFromANettyClient_andBack() {
        Peer peer = new Peer(false);
        Http2FrameCodec codec = Http2FrameCodecBuilder.forClient().build();
        EmbeddedChannel theirs = channel(codec, peer);
        End ours = End.server(HboneSettings.forServer().withWindows(50_000, 80_000));
        exchange(ours, theirs);
        byte[] payload = payload(2 << 20);
        for (int id = 3; id < 200; id += 2) {
            Http2FrameStream stream = peer.newStream();
            Http2Headers headers = new DefaultHttp2Headers()
                    .method("CONNECT")
                    .authority("[2001:db8::1]:" + id)
                    .add("baggage", "k8s.namespace.name=ns-" + id % 3)
                    .add("user-agent", "netty/4 (compatible; with something for Huffman)");
            theirs.writeOutbound(new DefaultHttp2HeadersFrame(headers).stream(stream));
            exchange(ours, theirs);
            assertTrue(ours.saw("connect " + id + " [2001:db8::1]:" + id));
            assertEquals(
                    "k8s.namespace.name=ns-" + id % 3,
                    ours.requests.get(ours.requests.size() - 1).baggage());
            if (id == 3) {
                theirs.writeOutbound(new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(payload), true).stream(stream));
                exchange(ours, theirs);
                assertArrayEquals(payload, ours.received(3));
                sendAll(ours, ours.stream(3), payload, theirs);
                ByteArrayOutputStream back = peer.received.get(3);
                assertNotNull(back);
                assertArrayEquals(payload, back.toByteArray());
                assertTrue(peer.events.contains("end 3"));
            }
        }
        assertFalse(ours.session.isFailed());
    }

    @Test
    void agreesOnRefusalsResetsPingsAndGoAways() {
        Peer peer = new Peer(false);
        Http2FrameCodec codec = Http2FrameCodecBuilder.forClient().build();
        EmbeddedChannel theirs = channel(codec, peer);
        End ours = End.server();
        ours.acceptAtOnce = false;
        exchange(ours, theirs);
        List<Http2FrameStream> streams = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Http2FrameStream stream = peer.newStream();
            streams.add(stream);
            Http2Headers headers = i == 3
                    ? new DefaultHttp2Headers()
                            .method("GET")
                            .scheme("http")
                            .path("/")
                            .authority("a")
                    : new DefaultHttp2Headers().method("CONNECT").authority("10.0.0.1:80");
            theirs.writeOutbound(new DefaultHttp2HeadersFrame(headers).stream(stream));
        }
        exchange(ours, theirs);
        assertTrue(ours.saw("malformed 9 NOT_CONNECT"));
        ours.session.refuse(ours.stream(3), 503);
        ours.session.accept(ours.stream(5), "a=b");
        ours.session.reset(ours.stream(5), Http2Code.CONNECT_ERROR);
        ours.session.accept(ours.stream(7), null);
        exchange(ours, theirs);
        assertTrue(peer.events.containsAll(List.of(
                "headers 9 end",
                "reset 9 NO_ERROR",
                "headers 3 end",
                "reset 3 NO_ERROR",
                "headers 5",
                "reset 5 CONNECT_ERROR")));
        theirs.writeOutbound(new DefaultHttp2ResetFrame(Http2Error.CANCEL).stream(streams.get(2)));
        theirs.writeOutbound(new DefaultHttp2PingFrame(77));
        exchange(ours, theirs);
        assertTrue(ours.saw("reset 7 CANCEL"));
        assertTrue(peer.events.contains("pong 77"));
        ours.session.ping(78);
        ours.session.goAway(Http2Code.NO_ERROR, true);
        exchange(ours, theirs);
        assertTrue(ours.saw("pong 78"));
        assertTrue(peer.events.containsAll(List.of("goaway 2147483647", "goaway 9")));
        assertTrue(ours.session.isFinished());
        theirs.writeOutbound(new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR));
        exchange(ours, theirs);
        assertTrue(ours.saw("goaway 0 NO_ERROR"));
        assertFalse(ours.session.isFailed());
    }
}
