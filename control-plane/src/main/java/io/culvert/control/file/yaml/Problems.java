package io.culvert.control.file.yaml;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The mistakes found in one file, listed in the order of its lines.
 *
 * <p>Bounds: the first {@link #LISTED_MAX} are kept, the rest is counted; texts from the file are cut at {@link
 * #SHOWN_MAX} characters.
 */
public final class Problems {
    public static final int LISTED_MAX = 20;
    private static final int SHOWN_MAX = 64;

    private final List<Problem> found = new ArrayList<>();
    private int omitted;

    /**
     * A mistake.
     *
     * @param reason what is wrong, without a full stop
     * @param fix what to do, as an imperative without a full stop
     */
    public record Problem(YamlNode.Position position, String path, String reason, String fix) {}

    /** Adds a mistake. */
    public void add(YamlNode.Position position, YamlPath path, String reason, String fix) {
        if (found.size() == LISTED_MAX) {
            omitted++;
        } else {
            found.add(new Problem(position, path.toString(), reason, fix));
        }
    }

    public boolean isEmpty() {
        return found.isEmpty();
    }

    /** At most {@link #LISTED_MAX} entries; the last one counts those left out, if any. */
    public List<Problem> list() {
        List<Problem> listed = new ArrayList<>(omitted == 0 ? found : found.subList(0, LISTED_MAX - 1));
        listed.sort(Comparator.comparingInt((Problem p) -> p.position().line())
                .thenComparingInt(p -> p.position().column()));
        if (omitted == 0) {
            return List.copyOf(listed);
        }
        listed.add(new Problem(
                YamlNode.Position.WHOLE_FILE,
                "",
                (omitted + 1) + " further errors are not shown",
                "correct the errors above first"));
        return List.copyOf(listed);
    }

    /** Text of the file as a message may repeat it: short, on one line, without control characters. */
    public static String shown(String text) {
        return shown(text, SHOWN_MAX);
    }

    static String shown(String text, int most) {
        StringBuilder out = new StringBuilder();
        text.codePoints().limit(most).forEach(c -> {
            if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT || c == 0x2028 || c == 0x2029) {
                out.append(String.format(Locale.ROOT, "\\u%04x", c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return text.codePointCount(0, text.length()) > most ? out + "..." : out.toString();
    }
}
