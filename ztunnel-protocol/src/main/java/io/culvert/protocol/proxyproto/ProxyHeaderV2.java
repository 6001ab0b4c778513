package io.culvert.protocol.proxyproto;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The header that tells an application who really connected, and where to.
 *
 * <table>
 * <caption>Layout, numbers in network order</caption>
 * <tr><th>offset</th><th>size</th><th>what</th></tr>
 * <tr><td>0</td><td>12</td><td>signature</td></tr>
 * <tr><td>12</td><td>1</td><td>0x21: version 2, PROXY</td></tr>
 * <tr><td>13</td><td>1</td><td>0x11: TCP over IPv4; 0x21: TCP over IPv6; 0x00: unspecified, when the two families
 * differ</td></tr>
 * <tr><td>14</td><td>2</td><td>how many bytes follow</td></tr>
 * <tr><td>16</td><td>12, 36 or 0</td><td>source address, destination address, source port, destination port</td></tr>
 * <tr><td>then</td><td>3 + n</td><td>type 0xD0, two bytes n, the source's SPIFFE id as a URI; only when it is known</td></tr>
 * </table>
 *
 * <p>Bounds: at most 2,103 bytes. Source: "The PROXY protocol", versions 1 and 2, section 2.2.
 *
 * @param source who connected
 * @param destination where to
 * @param identity who the source proved to be; null when it proved nothing
 */
public record ProxyHeaderV2(
        IpPort source, IpPort destination, @Nullable SpiffeId identity) {
    private static final byte[] SIGNATURE = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10};
    private static final int FIXED_BYTES = 16;
    private static final byte VERSION_2_PROXY = 0x21;
    private static final byte UNSPECIFIED = 0x00;
    private static final byte TCP_OVER_V4 = 0x11;
    private static final byte TCP_OVER_V6 = 0x21;
    private static final int SOURCE_IDENTITY = 0xD0;

    /** The bytes to write before the application's own. */
    public byte[] encode() {
        byte[] uri = identity == null ? new byte[0] : identity.uri().getBytes(StandardCharsets.US_ASCII);
        byte family = family();
        int addresses = addressBytes(family);
        int following = addresses + (identity == null ? 0 : 3 + uri.length);
        ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + following);
        out.put(SIGNATURE).put(VERSION_2_PROXY).put(family).putShort((short) following);
        if (addresses > 0) {
            out.put(source.ip().toBytes()).put(destination.ip().toBytes());
            out.putShort((short) source.port()).putShort((short) destination.port());
        }
        if (identity != null) {
            out.put((byte) SOURCE_IDENTITY).putShort((short) uri.length).put(uri);
        }
        return out.array();
    }

    private byte family() {
        if (source.ip().isV4() != destination.ip().isV4()) {
            return UNSPECIFIED;
        }
        return source.ip().isV4() ? TCP_OVER_V4 : TCP_OVER_V6;
    }

    private static int addressBytes(byte family) {
        return switch (family) {
            case TCP_OVER_V4 -> 12;
            case TCP_OVER_V6 -> 36;
            default -> 0;
        };
    }

    /**
     * Reads the bytes of one whole header; further attributes are skipped.
     *
     * <p>Errors: {@link IllegalArgumentException} for anything but a PROXY header with addresses of one family.
     */
    public static ProxyHeaderV2 decode(byte[] header) {
        require(header.length >= FIXED_BYTES, "it is shorter than its fixed part");
        ByteBuffer in = ByteBuffer.wrap(header);
        byte[] signature = new byte[SIGNATURE.length];
        in.get(signature);
        require(Arrays.equals(signature, SIGNATURE), "it has another signature");
        require(in.get() == VERSION_2_PROXY, "it is of another version or command");
        int addresses = addressBytes(in.get());
        require(addresses > 0, "it has no TCP addresses");
        require(Short.toUnsignedInt(in.getShort()) == in.remaining(), "its length is not the bytes that follow");
        require(in.remaining() >= addresses, "it ends within its addresses");
        IpAddress source = address(in, addresses == 12 ? 4 : 16);
        IpAddress destination = address(in, addresses == 12 ? 4 : 16);
        IpPort from = new IpPort(source, Short.toUnsignedInt(in.getShort()));
        IpPort to = new IpPort(destination, Short.toUnsignedInt(in.getShort()));
        return new ProxyHeaderV2(from, to, identity(in));
    }

    private static IpAddress address(ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        return IpAddress.ofBytes(bytes);
    }

    private static @Nullable SpiffeId identity(ByteBuffer in) {
        SpiffeId found = null;
        while (in.hasRemaining()) {
            require(in.remaining() >= 3, "it ends within an attribute");
            int type = Byte.toUnsignedInt(in.get());
            int length = Short.toUnsignedInt(in.getShort());
            require(length <= in.remaining(), "it ends within an attribute");
            byte[] value = new byte[length];
            in.get(value);
            if (type == SOURCE_IDENTITY) {
                require(found == null, "it names two identities");
                found = SpiffeId.parse(new String(value, StandardCharsets.ISO_8859_1));
            }
        }
        return found;
    }

    private static void require(boolean holds, String wrong) {
        if (!holds) {
            throw new IllegalArgumentException("not a PROXY header: " + wrong);
        }
    }
}
