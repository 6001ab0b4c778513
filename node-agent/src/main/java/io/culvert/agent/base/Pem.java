package io.culvert.agent.base;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * PEM: blocks of Base64 between lines that name what they are; text around them is skipped.
 *
 * <p>Errors: {@link IllegalArgumentException} for a block that does not end or is no Base64.
 *
 * <p>Source: RFC 7468.
 */
public final class Pem {
    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";
    private static final String DASHES = "-----";
    private static final int LINE_LENGTH = 64;

    private Pem() {}

    /**
     * One block.
     *
     * @param label what it is, such as {@code CERTIFICATE}
     * @param der its content
     */
    // Made here, used once; a list would be fifty times as large.
    @SuppressWarnings("ArrayRecordComponent")
    public record Block(String label, byte[] der) {}

    /** The blocks of a text, in their order. */
    public static List<Block> parse(String text) {
        List<Block> blocks = new ArrayList<>();
        int at = text.indexOf(BEGIN);
        while (at >= 0) {
            int labelEnd = text.indexOf(DASHES, at + BEGIN.length());
            if (labelEnd < 0) {
                throw new IllegalArgumentException("a PEM block has no first line");
            }
            String label = text.substring(at + BEGIN.length(), labelEnd);
            int bodyEnd = text.indexOf(END + label + DASHES, labelEnd);
            if (bodyEnd < 0) {
                throw new IllegalArgumentException("a PEM block has no last line");
            }
            String body = text.substring(labelEnd + DASHES.length(), bodyEnd);
            blocks.add(new Block(label, Base64.getMimeDecoder().decode(body.replaceAll("\\s", ""))));
            at = text.indexOf(BEGIN, bodyEnd);
        }
        return blocks;
    }

    /** Whether a text has a block at all. */
    public static boolean isPem(String text) {
        return text.contains(BEGIN);
    }

    /** One block as text. */
    public static String write(String label, byte[] der) {
        Base64.Encoder encoder = Base64.getMimeEncoder(LINE_LENGTH, new byte[] {'\n'});
        return BEGIN + label + DASHES + "\n" + encoder.encodeToString(der) + "\n" + END + label + DASHES + "\n";
    }
}
