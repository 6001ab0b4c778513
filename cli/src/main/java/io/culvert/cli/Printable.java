package io.culvert.cli;

/** Takes out of texts what a terminal would act on. */
final class Printable {
    private Printable() {}

    /** One line. */
    static String line(String text) {
        return clean(text, false);
    }

    /** Several lines. */
    static String lines(String text) {
        return clean(text, true);
    }

    private static String clean(String text, boolean lineFeeds) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean control = c < 0x20 || c >= 0x7f && c < 0xa0 || Character.getType(c) == Character.FORMAT;
            out.append(control && !(lineFeeds && c == '\n') ? '?' : c);
        }
        return out.toString();
    }
}
