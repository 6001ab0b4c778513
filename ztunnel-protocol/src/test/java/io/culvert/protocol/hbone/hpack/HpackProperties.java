package io.culvert.protocol.hbone.hpack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Netty's HPACK is the other implementation. */
class HpackProperties {
    private static final String NAMES = "abcdefghijklmnopqrstuvwxyz-0123456789";
    private static final String VALUES = " !\"#%&'()*+,-./0123456789:;<=>?@ABCXYZ[]^_`abcxyz{|}~\\\u00e4\u00ff";
    private static final List<String> KNOWN = List.of(":method", ":authority", "baggage", "cookie", "date", "via");

    private record Field(String name, String value) {}

    private static List<Field> fields(Gen gen) {
        return gen.list(
                20,
                g -> new Field(
                        g.bool() ? g.pick(KNOWN) : "x" + g.text(NAMES, 30),
                        g.oneIn(8) ? g.text("ab", 2000) : g.text(VALUES, 60)));
    }

    private static byte[] bytes(ByteBuf buf) {
        byte[] bytes = new byte[buf.readableBytes()];
        buf.readBytes(bytes);
        buf.release();
        return bytes;
    }

    private static @Nullable List<Field> ours(HpackDecoder decoder, byte[] block) {
        List<Field> fields = new ArrayList<>();
        try {
            assertTrue(decoder.decode(block, 0, block.length, (name, value) -> fields.add(new Field(name, value))));
            return fields;
        } catch (HpackException e) {
            return null;
        }
    }

    private static @Nullable List<Field> theirs(Http2HeadersDecoder decoder, byte[] block) {
        ByteBuf buf = Unpooled.wrappedBuffer(block);
        try {
            List<Field> fields = new ArrayList<>();
            for (Map.Entry<CharSequence, CharSequence> e : decoder.decodeHeaders(1, buf)) {
                fields.add(new Field(e.getKey().toString(), e.getValue().toString()));
            }
            return fields;
        } catch (Http2Exception | IllegalArgumentException | IndexOutOfBoundsException e) {
            return null;
        } finally {
            buf.release();
        }
    }

    /** Netty groups fields of one name; so does this. */
    private static Map<String, List<String>> byName(@Nullable List<Field> fields) {
        Map<String, List<String>> grouped = new java.util.TreeMap<>();
        if (fields != null) {
            fields.forEach(
                    f -> grouped.computeIfAbsent(f.name, n -> new ArrayList<>()).add(f.value));
        }
        return grouped;
    }

    @Test
    void decodesWhatNettyEncodes_blockAfterBlock() {
        Gen.forAll(150, gen -> {
            DefaultHttp2HeadersEncoder encoder =
                    new DefaultHttp2HeadersEncoder((n, v) -> gen.oneIn(5), false, 16, gen.pick(0, 8, 512));
            HpackDecoder decoder = new HpackDecoder(1 << 20);
            for (int i = gen.intBetween(1, 10); i > 0; i--) {
                if (gen.oneIn(4)) {
                    encoder.maxHeaderTableSize(gen.intBetween(0, 4096));
                }
                List<Field> fields = fields(gen);
                Http2Headers headers = new DefaultHttp2Headers(false);
                fields.forEach(f -> headers.add(f.name, f.value));
                ByteBuf out = Unpooled.buffer();
                encoder.encodeHeaders(1, headers, out);
                assertEquals(byName(fields), byName(ours(decoder, bytes(out))));
            }
        });
    }

    @Test
    void nettyDecodesWhatWeEncode() {
        Gen.forAll(150, gen -> {
            HpackEncoder encoder = new HpackEncoder();
            DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(false, 1 << 20);
            for (int i = gen.intBetween(1, 5); i > 0; i--) {
                List<Field> fields = fields(gen);
                encoder.begin();
                fields.forEach(f -> encoder.add(f.name, f.value));
                byte[] block = java.util.Arrays.copyOf(encoder.block(), encoder.length());
                assertEquals(byName(fields), byName(theirs(decoder, block)));
            }
        });
    }

    @Test
    void agreesWithNettyOnDamagedBlocks_unlessItIsStricter() {
        Gen.forAll(3000, gen -> {
            byte[] block = damagedBlock(gen);
            HpackDecoder decoder = new HpackDecoder(1 << 22);
            List<Field> ours = ours(decoder, block);
            if (ours != null) {
                List<Field> theirs = theirs(new DefaultHttp2HeadersDecoder(false, 1 << 22), block);
                assertTrue(theirs != null, "Netty refuses what we take");
                assertEquals(byName(theirs), byName(ours));
            }
            assertTrue(decoder.tableBytes() <= 4096);
        });
    }

    private static byte[] damagedBlock(Gen gen) throws Http2Exception {
        if (gen.oneIn(3)) {
            return gen.bytes(300);
        }
        Http2Headers headers = new DefaultHttp2Headers(false);
        fields(gen).forEach(f -> headers.add(f.name, f.value));
        ByteBuf out = Unpooled.buffer();
        new DefaultHttp2HeadersEncoder((n, v) -> false, false, 16, gen.pick(0, 512)).encodeHeaders(1, headers, out);
        return gen.mutate(bytes(out));
    }
}
