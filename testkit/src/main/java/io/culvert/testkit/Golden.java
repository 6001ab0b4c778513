package io.culvert.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Compares text with the file that was reviewed and committed, {@code src/test/resources/golden/NAME} of the module under test.
 * {@code -Dculvert.golden.update=true} writes the files anew, for a person to read in the diff.
 */
public final class Golden {
    private Golden() {}

    /** Demands that the text is what the golden file holds. */
    public static void assertMatches(String name, String actual) {
        assertMatches(Path.of(System.getProperty("basedir", ".")).resolve("src/test/resources/golden"), name, actual);
    }

    static void assertMatches(Path folder, String name, String actual) {
        Path file = folder.resolve(name);
        try {
            if (Boolean.getBoolean("culvert.golden.update")) {
                Files.createDirectories(file.toAbsolutePath().getParent());
                Files.writeString(file, actual);
                return;
            }
            compare(file, Files.exists(file) ? Files.readString(file) : "", actual);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compare(Path file, String expected, String actual) {
        if (expected.equals(actual)) {
            return;
        }
        List<String> want = expected.lines().toList();
        List<String> got = actual.lines().toList();
        int at = 0;
        while (at < Math.min(want.size(), got.size()) && want.get(at).equals(got.get(at))) {
            at++;
        }
        throw new AssertionError(
                file + ", line " + (at + 1) + "\n  golden: " + line(want, at) + "\n  actual: " + line(got, at)
                        + "\nIf the new text is right, run again with -Dculvert.golden.update=true and read the diff. All of it:\n"
                        + actual);
    }

    private static String line(List<String> lines, int at) {
        return at < lines.size() ? lines.get(at) : "(end)";
    }
}
