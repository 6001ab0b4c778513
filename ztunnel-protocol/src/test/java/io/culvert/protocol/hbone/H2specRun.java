package io.culvert.protocol.hbone;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * Runs h2spec against the server role and compares what failed with the list of cases that do not apply: {@code H2specRun
 * H2SPEC-PROGRAM LIST.md REPORT.xml}. Exits with 1 when another case fails, or a listed one passes or is unknown.
 */
final class H2specRun {
    /** A row of the list: {@code | `case` | reason |}. */
    private static final Pattern LISTED = Pattern.compile("^\\| `([^`]+)` \\| .+ \\|$", Pattern.MULTILINE);

    private static final int CASES_LEAST = 100;

    private H2specRun() {}

    public static void main(String[] args) throws Exception {
        Path report = Path.of(args[2]);
        Files.createDirectories(report.toAbsolutePath().getParent());
        Files.deleteIfExists(report);
        try (H2specServer server = new H2specServer()) {
            run(args[0], server.port(), report);
        }
        Map<String, Boolean> passedByCase = results(report);
        Set<String> listed = listed(Path.of(args[1]));
        List<String> complaints = compare(passedByCase, listed);
        long passed = passedByCase.values().stream().filter(p -> p).count();
        PrintStream out = System.out;
        complaints.forEach(out::println);
        out.println("h2spec: " + passedByCase.size() + " cases, " + passed + " passed, " + listed.size()
                + " listed as not applicable, " + complaints.size() + " unexpected");
        System.exit(complaints.isEmpty() ? 0 : 1);
    }

    private static void run(String program, int port, Path report) throws IOException, InterruptedException {
        File log = new File(report + ".log");
        Process h2spec = new ProcessBuilder(
                        program,
                        "--strict",
                        "--host",
                        "127.0.0.1",
                        "--port",
                        Integer.toString(port),
                        "--timeout",
                        "1",
                        "--junit-report",
                        report.toString())
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        if (!h2spec.waitFor(5, TimeUnit.MINUTES)) {
            h2spec.destroyForcibly();
            throw new IOException("h2spec did not end; see " + log);
        }
    }

    private static Map<String, Boolean> results(Path report)
            throws IOException, ParserConfigurationException, SAXException {
        Document xml =
                DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(report.toFile());
        NodeList cases = xml.getElementsByTagName("testcase");
        Map<String, Boolean> passedByCase = new LinkedHashMap<>();
        for (int i = 0; i < cases.getLength(); i++) {
            if (cases.item(i) instanceof Element testcase && testcase.getParentNode() instanceof Element) {
                String name = testcase.getAttribute("package") + ": " + testcase.getAttribute("classname");
                passedByCase.put(name, !hasProblem(testcase));
            }
        }
        if (passedByCase.size() < CASES_LEAST) {
            throw new IOException("only " + passedByCase.size() + " cases in " + report);
        }
        return passedByCase;
    }

    private static boolean hasProblem(Element testcase) {
        for (Node child = testcase.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element problem
                    && Set.of("failure", "error", "skipped").contains(problem.getTagName())) {
                return true;
            }
        }
        return false;
    }

    private static Set<String> listed(Path list) throws IOException {
        Set<String> listed = new TreeSet<>();
        Matcher rows = LISTED.matcher(Files.readString(list, StandardCharsets.UTF_8));
        while (rows.find()) {
            listed.add(rows.group(1));
        }
        return listed;
    }

    private static List<String> compare(Map<String, Boolean> passedByCase, Set<String> listed) {
        List<String> complaints = new ArrayList<>();
        passedByCase.forEach((name, passed) -> {
            if (!passed && !listed.contains(name)) {
                complaints.add("FAILS and is not listed: " + name);
            } else if (passed && listed.contains(name)) {
                complaints.add("PASSES although it is listed: " + name);
            }
        });
        for (String name : listed) {
            if (!passedByCase.containsKey(name)) {
                complaints.add("IS LISTED but unknown to h2spec: " + name);
            }
        }
        return complaints;
    }
}
