package io.culvert.protocol.socks;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One client's negotiation, from its first byte to the last of its request. What is sent behind the request belongs to the
 * destination and is never taken.
 *
 * <table>
 * <caption>What the client sends</caption>
 * <tr><th>offset</th><th>size</th><th>what</th></tr>
 * <tr><td>0</td><td>1</td><td>version, 5</td></tr>
 * <tr><td>1</td><td>1</td><td>how many methods it offers</td></tr>
 * <tr><td>2</td><td>n</td><td>the methods; 0, to authenticate by nothing, must be one of them</td></tr>
 * <tr><td>n+2</td><td>1</td><td>version, 5</td></tr>
 * <tr><td>n+3</td><td>1</td><td>command, 1 for CONNECT</td></tr>
 * <tr><td>n+4</td><td>1</td><td>0</td></tr>
 * <tr><td>n+5</td><td>1</td><td>type of the address: 1 for IPv4, 3 for a name, 4 for IPv6</td></tr>
 * <tr><td>n+6</td><td>4, 1+m or 16</td><td>address; a name's length is its first byte</td></tr>
 * <tr><td></td><td>2</td><td>port</td></tr>
 * </table>
 *
 * <p>Bounds: {@link #BYTES_MAX} bytes in all. Errors: none; every sequence of bytes leads to one of the {@link Step}s.
 *
 * <p>Source: RFC 1928.
 */
public final class SocksNegotiation {
    /** The longest that a client may have to say. */
    public static final int BYTES_MAX = 2 + 255 + 4 + 1 + 255 + 2;

    private static final int VERSION = 5;
    private static final int NO_AUTHENTICATION = 0;
    private static final int CONNECT = 1;
    private static final int IPV4 = 1;
    private static final int NAME = 3;
    private static final int IPV6 = 4;
    private static final int PORT_BYTES = 2;

    /** What came of the bytes so far. */
    public sealed interface Step {
        /** More has to come. */
        record More() implements Step {}

        /** This is to be sent, and more has to come. */
        record Answer(SocksReply reply) implements Step {}

        /** The request is through; {@link SocksReply} answers it. */
        record Request(SocksTarget target) implements Step {}

        /** It is over: this is to be sent, and nothing more is taken. */
        record Refusal(SocksReply reply, String why) implements Step {}
    }

    /** What is awaited. */
    private enum Part {
        GREETING,
        METHODS,
        /** With the first byte of the address, so that its length is known. */
        REQUEST,
        ADDRESS,
        NOTHING
    }

    private static final Step MORE = new Step.More();

    private Part part = Part.GREETING;
    private byte[] bytes = new byte[2];
    private int count;
    private int addressType;
    private int addressFirst;

    /** How many bytes to give it next, at most; 0 once it is over. */
    public int wanted() {
        return bytes.length - count;
    }

    /** Takes bytes, {@link #wanted} at most; the buffer's others are left in it. */
    public Step receive(ByteBuffer in) {
        int taken = Math.min(wanted(), in.remaining());
        in.get(bytes, count, taken);
        count += taken;
        if (count < bytes.length || part == Part.NOTHING) {
            return MORE;
        }
        return switch (part) {
            case GREETING -> greeting(bytes[0], bytes[1] & 0xff);
            case METHODS -> methods();
            case REQUEST -> request();
            case ADDRESS -> address();
            case NOTHING -> MORE;
        };
    }

    private void await(Part next, int length) {
        part = next;
        bytes = new byte[length];
        count = 0;
    }

    private Step refuse(SocksReply reply, String why) {
        await(Part.NOTHING, 0);
        return new Step.Refusal(reply, why);
    }

    private Step malformed(String why) {
        return refuse(SocksReply.COMMAND_NOT_SUPPORTED, why);
    }

    private Step greeting(int version, int methods) {
        if (version != VERSION) {
            return malformed("it does not speak SOCKS version 5");
        }
        if (methods == 0) {
            return noMethod();
        }
        await(Part.METHODS, methods);
        return MORE;
    }

    private Step methods() {
        for (byte method : bytes) {
            if (method == NO_AUTHENTICATION) {
                await(Part.REQUEST, 5);
                return new Step.Answer(SocksReply.NO_AUTHENTICATION);
            }
        }
        return noMethod();
    }

    private Step noMethod() {
        return refuse(SocksReply.NO_METHOD, "it insists on SOCKS authentication");
    }

    private Step request() {
        int command = bytes[1] & 0xff;
        if (bytes[0] != VERSION || bytes[2] != 0) {
            return malformed("its SOCKS request is malformed");
        }
        if (command != CONNECT) {
            return malformed("its SOCKS command is " + command + ", not CONNECT");
        }
        addressType = bytes[3] & 0xff;
        addressFirst = bytes[4] & 0xff;
        int left = switch (addressType) {
            case IPV4 -> 3;
            case IPV6 -> 15;
            case NAME -> addressFirst;
            default -> 0;
        };
        if (left == 0) {
            return malformed(
                    addressType == NAME
                            ? "its SOCKS request names nobody"
                            : "its SOCKS address is of type " + addressType);
        }
        await(Part.ADDRESS, left + PORT_BYTES);
        return MORE;
    }

    private Step address() {
        int length = bytes.length - PORT_BYTES;
        int port = (bytes[length] & 0xff) << 8 | bytes[length + 1] & 0xff;
        byte[] rest = Arrays.copyOf(bytes, length);
        await(Part.NOTHING, 0);
        if (addressType != NAME) {
            return new Step.Request(new SocksTarget.Address(new IpPort(ip(rest), port)));
        }
        for (byte character : rest) {
            if (character <= ' ' || character > '~') {
                return malformed("its SOCKS request has a name with other characters than visible ASCII");
            }
        }
        return new Step.Request(new SocksTarget.Host(new String(rest, StandardCharsets.US_ASCII), port));
    }

    private IpAddress ip(byte[] rest) {
        byte[] whole = new byte[rest.length + 1];
        whole[0] = (byte) addressFirst;
        System.arraycopy(rest, 0, whole, 1, rest.length);
        return IpAddress.ofBytes(whole);
    }
}
