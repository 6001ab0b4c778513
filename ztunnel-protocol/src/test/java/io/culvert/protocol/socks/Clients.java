package io.culvert.protocol.socks;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.socks.SocksNegotiation.Step;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** What SOCKS clients send, written by the RFC and by nothing of ours. */
final class Clients {
    private Clients() {}

    /** A client's bytes, in hex. */
    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    static byte[] greeting(int... methods) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(5);
        out.write(methods.length);
        for (int method : methods) {
            out.write(method);
        }
        return out.toByteArray();
    }

    static byte[] request(SocksTarget target) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(hex("050100"));
        int port = switch (target) {
            case SocksTarget.Address(var destination) -> {
                IpAddress ip = destination.ip();
                out.write(ip.isV4() ? 1 : 4);
                out.writeBytes(ip.toBytes());
                yield destination.port();
            }
            case SocksTarget.Host(String name, int at) -> {
                out.write(3);
                out.write(name.length());
                out.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
                yield at;
            }
        };
        out.write(port >> 8);
        out.write(port);
        return out.toByteArray();
    }

    /** Gives bytes in pieces of at most so many, as much as is wanted; answers the last step that says something. */
    static Step give(SocksNegotiation negotiation, ByteBuffer in, int pieceBytesMax) {
        Step last = new Step.More();
        while (in.hasRemaining() && negotiation.wanted() > 0) {
            int count = Math.min(Math.min(pieceBytesMax, in.remaining()), negotiation.wanted());
            Step step = negotiation.receive(in.slice(in.position(), count));
            in.position(in.position() + count);
            last = step instanceof Step.More ? last : step;
        }
        return last;
    }
}
