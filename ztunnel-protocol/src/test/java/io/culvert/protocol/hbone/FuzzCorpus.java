package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes the conversations that {@link HboneFuzz} starts from: {@code FuzzCorpus DIRECTORY}. */
final class FuzzCorpus {
    private static final byte[] HELLO = "hello, world".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private FuzzCorpus() {}

    public static void main(String[] args) throws IOException, Http2Exception {
        Path dir = Path.of(args[0]);
        Files.createDirectories(dir);
        conversation(dir);
        write(dir, "server-huffman", Wire.concat(Wire.PREFACE, Wire.settings(), Wire.settingsAck(), huffman(true)));
        write(dir, "client-huffman", Wire.concat(Wire.settings(), Wire.settingsAck(), huffman(false)));
        write(dir, "server-odd", Wire.concat(Wire.PREFACE, Wire.settings(4, 0, 3, 7, 1, 0, 5, 30_000), odd(true)));
        write(dir, "client-odd", Wire.concat(Wire.settings(4, 100, 3, 2, 6, 50), odd(false)));
    }

    private static void write(Path dir, String name, byte[] bytes) throws IOException {
        Files.write(dir.resolve(name + ".bin"), bytes);
    }

    /** A whole life of a connection: requests, data both ways, refusal, reset, ping, drain. */
    private static void conversation(Path dir) throws IOException {
        End client = End.client();
        End server = End.server();
        server.acceptAtOnce = false;
        ByteArrayOutputStream up = new ByteArrayOutputStream();
        ByteArrayOutputStream down = new ByteArrayOutputStream();
        for (int i = 0; i < 3; i++) {
            ConnectTarget target = i == 0
                    ? new ConnectTarget.HostTarget("web.default.svc.cluster.local", 80)
                    : new ConnectTarget.IpTarget(io.culvert.protocol.net.IpAddress.parse("10.0.0." + i), 8080);
            client.connect(new ConnectRequest(
                    target,
                    "k8s.cluster.name=Kubernetes,k8s.namespace.name=default",
                    "for=\"10.1.0.1:40000\"",
                    new TraceParent(1, 2, 3, 0).format(),
                    i == 1 ? "" : null));
        }
        exchange(client, up, server, down);
        server.session.accept(server.stream(1), "k8s.namespace.name=prod");
        server.session.refuse(server.stream(3), 401);
        server.session.accept(server.stream(5), null);
        exchange(client, up, server, down);
        client.send(client.stream(1), HELLO, 0, false);
        client.send(client.stream(5), HELLO, 0, true);
        server.send(server.stream(1), HELLO, 0, true);
        client.session.ping(1);
        server.session.ping(2);
        exchange(client, up, server, down);
        server.session.goAway(Http2Code.NO_ERROR, true);
        exchange(client, up, server, down);
        client.session.reset(client.stream(1), Http2Code.CONNECT_ERROR);
        server.session.end(server.stream(5));
        exchange(client, up, server, down);
        write(dir, "server-life", up.toByteArray());
        write(dir, "client-life", down.toByteArray());
    }

    private static void exchange(End client, ByteArrayOutputStream up, End server, ByteArrayOutputStream down) {
        for (int i = 0; i < 4; i++) {
            byte[] toServer = client.drain();
            up.writeBytes(toServer);
            server.take(toServer);
            byte[] toClient = server.drain();
            down.writeBytes(toClient);
            client.take(toClient);
        }
    }

    /** Header blocks of another encoder, with Huffman strings and a dynamic table. */
    private static byte[] huffman(boolean request) throws Http2Exception {
        DefaultHttp2HeadersEncoder encoder = new DefaultHttp2HeadersEncoder((n, v) -> false, false, 16, 0);
        byte[] all = new byte[0];
        for (int id = 1; id <= 5; id += 2) {
            Http2Headers headers = new DefaultHttp2Headers();
            if (request) {
                headers.method("CONNECT").authority("10.0.0.1:80").add("user-agent", "some client");
            } else {
                headers.status("200").add("server", "some server");
            }
            headers.add("baggage", "k8s.namespace.name=default").add("x-long", "y".repeat(200));
            ByteBuf out = Unpooled.buffer();
            encoder.encodeHeaders(id, headers, out);
            byte[] block = new byte[out.readableBytes()];
            out.readBytes(block).release();
            all = Wire.concat(all, Wire.frame(FrameHeader.HEADERS, FrameHeader.FLAG_END_HEADERS, id, block));
            all = Wire.concat(all, Wire.data(id, id == 3, 10));
        }
        return all;
    }

    /** Frames that are rare: padding, priorities, continuations, unknown types, trailers, settings in mid-life. */
    private static byte[] odd(boolean request) {
        byte[] block = request
                ? Wire.block(":method", "CONNECT", ":authority", "[2001:db8::1]:443", "te", "trailers")
                : Wire.block(":status", "200", "date", "today");
        byte[] half = java.util.Arrays.copyOf(block, block.length / 2);
        byte[] rest = java.util.Arrays.copyOfRange(block, half.length, block.length);
        byte[] prefix = Wire.concat(new byte[] {3}, Wire.int32(0), new byte[] {9});
        return Wire.concat(
                Wire.frame(FrameHeader.HEADERS, 0x28, 1, Wire.concat(prefix, half, new byte[3])),
                Wire.frame(FrameHeader.CONTINUATION, 0, 1),
                Wire.frame(FrameHeader.CONTINUATION, 4, 1, rest),
                Wire.settingsAck(),
                Wire.padded(1, 20, 30),
                Wire.priority(1, 0),
                Wire.frame(0x16, 0xFF, 1, new byte[40]),
                Wire.windowUpdate(0, 1000),
                Wire.windowUpdate(1, 1000),
                Wire.settings(4, 70_000),
                Wire.headers(1, true, "trailer", "x"),
                request ? Wire.headers(3, true, ":method", "GET", ":scheme", "https", ":path", "/") : Wire.ok(3),
                Wire.reset(3, Http2Code.CANCEL),
                Wire.ping(false),
                Wire.goAway(0, 0));
    }
}
