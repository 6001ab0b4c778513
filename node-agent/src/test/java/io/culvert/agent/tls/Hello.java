package io.culvert.agent.tls;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The first word of either side of TLS, read from the bytes on the wire, by the numbers that IANA gives.
 *
 * @param ofServer whose it is
 * @param legacyVersion the field that counts up to 1.2
 * @param random which tells a request to say it again from an answer
 * @param sessionId the id of the session, up to 1.2
 * @param suites offered, or the one that was chosen
 * @param extensions by number
 */
public record Hello(
        boolean ofServer,
        int legacyVersion,
        String random,
        String sessionId,
        List<Integer> suites,
        Map<Integer, byte[]> extensions) {
    public static final int TLS12 = 0x0303;
    public static final int TLS13 = 0x0304;
    public static final int P256 = 23;
    public static final int P384 = 24;
    public static final int X25519 = 29;
    public static final int X25519MLKEM768 = 0x11ec;

    public static final int SERVER_NAME = 0;
    public static final int SUPPORTED_GROUPS = 10;
    public static final int SIGNATURE_ALGORITHMS = 13;
    public static final int ALPN = 16;
    public static final int EXTENDED_MASTER_SECRET = 23;
    public static final int SESSION_TICKET = 35;
    public static final int PRE_SHARED_KEY = 41;
    public static final int EARLY_DATA = 42;
    public static final int SUPPORTED_VERSIONS = 43;
    public static final int KEY_SHARE = 51;
    public static final int RENEGOTIATION_INFO = 0xff01;

    private static final int HANDSHAKE = 22;
    private static final int CLIENT_HELLO = 1;
    private static final int SERVER_HELLO = 2;
    private static final int RECORD_HEAD = 5;
    private static final int RANDOM_BYTES = 32;

    /** RFC 8446, section 4.1.3: a ServerHello with this random is a HelloRetryRequest. */
    private static final String RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

    /** Reads a record that begins with one. */
    public static Hello read(byte[] record) {
        ByteBuffer in = ByteBuffer.wrap(record);
        int type = in.get();
        in.getShort();
        ByteBuffer message = part(in, Short.toUnsignedInt(in.getShort()));
        int kind = message.get();
        if (type != HANDSHAKE || kind != CLIENT_HELLO && kind != SERVER_HELLO) {
            throw new IllegalArgumentException("neither ClientHello nor ServerHello");
        }
        return body(kind == SERVER_HELLO, part(message, message.get() << 16 | Short.toUnsignedInt(message.getShort())));
    }

    private static Hello body(boolean server, ByteBuffer in) {
        int version = Short.toUnsignedInt(in.getShort());
        String random = hex(part(in, RANDOM_BYTES));
        String session = hex(part(in, Byte.toUnsignedInt(in.get())));
        List<Integer> suites = server
                ? List.of(Short.toUnsignedInt(in.getShort()))
                : shorts(part(in, Short.toUnsignedInt(in.getShort())));
        in.position(in.position() + (server ? 1 : 1 + in.get(in.position())));
        Map<Integer, byte[]> extensions = new LinkedHashMap<>();
        ByteBuffer list = in.hasRemaining() ? part(in, Short.toUnsignedInt(in.getShort())) : in;
        while (list.hasRemaining()) {
            int number = Short.toUnsignedInt(list.getShort());
            ByteBuffer content = part(list, Short.toUnsignedInt(list.getShort()));
            byte[] bytes = new byte[content.remaining()];
            content.get(bytes);
            extensions.put(number, bytes);
        }
        return new Hello(server, version, random, session, suites, extensions);
    }

    private static ByteBuffer part(ByteBuffer in, int length) {
        if (length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        ByteBuffer part = in.slice(in.position(), length);
        in.position(in.position() + length);
        return part;
    }

    private static String hex(ByteBuffer part) {
        byte[] bytes = new byte[part.remaining()];
        part.get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static List<Integer> shorts(ByteBuffer part) {
        List<Integer> all = new ArrayList<>();
        while (part.hasRemaining()) {
            all.add(Short.toUnsignedInt(part.getShort()));
        }
        return all;
    }

    /** All within these bytes, as of a stream or a capture; each must be whole and in a record of its own. */
    public static List<Hello> find(byte[] bytes) {
        List<Hello> found = new ArrayList<>();
        for (int at = 0; at + RECORD_HEAD + 5 < bytes.length; at++) {
            boolean record = bytes[at] == HANDSHAKE && bytes[at + 1] == 3;
            boolean hello = bytes[at + 5] == CLIENT_HELLO || bytes[at + 5] == SERVER_HELLO;
            // The version within the message; else bytes that are encrypted could be taken for one.
            if (record && hello && bytes[at + 6] == 0 && bytes[at + 9] == 3 && bytes[at + 10] == 3) {
                int length = Short.toUnsignedInt(ByteBuffer.wrap(bytes).getShort(at + 3));
                if (at + RECORD_HEAD + length <= bytes.length) {
                    found.add(read(Arrays.copyOfRange(bytes, at, at + RECORD_HEAD + length)));
                }
            }
        }
        return found;
    }

    public boolean has(int extension) {
        return extensions.containsKey(extension);
    }

    /** Whether a server asks for another ClientHello. */
    public boolean isRetry() {
        return ofServer && random.equals(RETRY);
    }

    private ByteBuffer extension(int number) {
        return ByteBuffer.wrap(extensions.getOrDefault(number, new byte[0]));
    }

    /** Offered, or the one that was chosen. */
    public List<Integer> versions() {
        ByteBuffer in = extension(SUPPORTED_VERSIONS);
        if (!in.hasRemaining()) {
            return List.of(legacyVersion);
        }
        return shorts(ofServer ? in : part(in, in.get()));
    }

    /** The groups that are offered. */
    public List<Integer> groups() {
        return list(SUPPORTED_GROUPS);
    }

    /** The ways to sign that are accepted. */
    public List<Integer> signatures() {
        return list(SIGNATURE_ALGORITHMS);
    }

    private List<Integer> list(int number) {
        ByteBuffer in = extension(number);
        return in.hasRemaining() ? shorts(part(in, in.getShort())) : List.of();
    }

    /** The groups of which keys are sent along, or the one that was chosen. */
    public List<Integer> shares() {
        ByteBuffer in = extension(KEY_SHARE);
        if (ofServer) {
            return in.hasRemaining() ? List.of(Short.toUnsignedInt(in.getShort())) : List.of();
        }
        List<Integer> all = new ArrayList<>();
        ByteBuffer shares = in.hasRemaining() ? part(in, in.getShort()) : in;
        while (shares.hasRemaining()) {
            all.add(Short.toUnsignedInt(shares.getShort()));
            ByteBuffer _ = part(shares, Short.toUnsignedInt(shares.getShort()));
        }
        return all;
    }
}
