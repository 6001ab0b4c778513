package io.culvert.systemtests.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/conformance.md} names tests and benchmarks that exist, and says so where there is none. */
class ConformanceDocTest {
    private static final Path ROOT =
            Path.of(Objects.requireNonNull(System.getProperty("culvert.root"), "culvert.root is not set"));
    private static final Pattern NAMED = Pattern.compile("`([A-Z]\\w+)\\.(\\w+)`");

    /** Of an annotation, which may have some of its own within braces. */
    private static final String ARGUMENTS = "(?:\\((?:[^()]++|\\([^()]*\\))*+\\))?";

    private static List<String> rows() throws IOException {
        return Files.readAllLines(ROOT.resolve("docs/conformance.md")).stream()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| Scenario"))
                .toList();
    }

    private static List<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path module : modules.toList()) {
                addSources(module.resolve("src/test/java"), all);
            }
        }
        addSources(ROOT.resolve("perf/src/main/java"), all);
        return all;
    }

    private static void addSources(Path folder, List<Path> all) throws IOException {
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(all::add);
            }
        }
    }

    private static boolean exists(List<Path> sources, String type, String method) throws IOException {
        Pattern declared = Pattern.compile(
                "@(?:\\w*Test\\b" + ARGUMENTS + "(?:\\s*@\\w+" + ARGUMENTS + ")*[^;{}]*?\\bvoid"
                        + "|Benchmark\\b[^;{}]*?\\w) " + method + "\\(",
                Pattern.DOTALL);
        for (Path file : sources) {
            if (file.endsWith(type + ".java")
                    && declared.matcher(Files.readString(file)).find()) {
                return true;
            }
        }
        return false;
    }

    @Test
    void everyTestThatTheTableNames_exists() throws IOException {
        List<Path> sources = sources();
        List<String> missing = new ArrayList<>();
        int named = 0;
        for (String row : rows()) {
            Matcher test = NAMED.matcher(row);
            while (test.find()) {
                named++;
                if (!exists(sources, test.group(1), test.group(2))) {
                    missing.add(test.group());
                }
            }
        }
        assertEquals(List.of(), missing);
        assertTrue(named > 100, "the table is there");
    }

    @Test
    void everyScenario_hasATestOrAReasonWhyNot() throws IOException {
        for (String row : rows()) {
            String[] cells = row.split(" \\| ?", -1);
            boolean told = NAMED.matcher(cells[1]).find() || cells[1].equals("not yet") && cells[2].length() > 10;
            assertTrue(told, row);
        }
    }
}
