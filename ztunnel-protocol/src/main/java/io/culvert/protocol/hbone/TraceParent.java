package io.culvert.protocol.hbone;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The ids by which one connection's two ends can be found in logs; never passed on to the application.
 *
 * <p>The text is {@code 00-<32 hex>-<16 hex>-<2 hex>}, lower case. Source: W3C Trace Context, version 00.
 *
 * @param traceHigh the trace id's upper half; the whole id is not zero
 * @param traceLow the trace id's lower half
 * @param parent the parent id, not zero
 * @param flags 0 to 255; we send 0
 */
public record TraceParent(long traceHigh, long traceLow, long parent, int flags) {
    private static final int CHARS = 55;
    private static final HexFormat HEX = HexFormat.of();

    public TraceParent {
        if ((traceHigh | traceLow) == 0 || parent == 0 || flags < 0 || flags > 0xFF) {
            throw new IllegalArgumentException("ids are not zero, flags are one octet");
        }
    }

    /** Returns the header's value. */
    public String format() {
        return "00-" + HEX.toHexDigits(traceHigh) + HEX.toHexDigits(traceLow) + "-" + HEX.toHexDigits(parent) + "-"
                + HEX.toHexDigits((byte) flags);
    }

    /** Returns the 32 digits of the trace id. */
    public String traceId() {
        return HEX.toHexDigits(traceHigh) + HEX.toHexDigits(traceLow);
    }

    /** Reads a header's value; null when it is not exactly of this form. */
    public static @Nullable TraceParent parse(@Nullable String text) {
        if (text == null || text.length() != CHARS || !hasForm(text)) {
            return null;
        }
        long high = HexFormat.fromHexDigitsToLong(text, 3, 19);
        long low = HexFormat.fromHexDigitsToLong(text, 19, 35);
        long parent = HexFormat.fromHexDigitsToLong(text, 36, 52);
        if ((high | low) == 0 || parent == 0) {
            return null;
        }
        return new TraceParent(high, low, parent, HexFormat.fromHexDigits(text, 53, 55));
    }

    private static boolean hasForm(String text) {
        for (int i = 0; i < CHARS; i++) {
            char c = text.charAt(i);
            boolean dash = i == 2 || i == 35 || i == 52;
            boolean hex = c >= '0' && c <= '9' || c >= 'a' && c <= 'f';
            if (dash ? c != '-' : !hex) {
                return false;
            }
        }
        return text.startsWith("00");
    }
}
