package io.culvert.control.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class MeshYamlDocTest {
    private static final Pattern ROW_KEYS = Pattern.compile("^\\| (`[^|]*`) \\|", Pattern.MULTILINE);
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    private static Set<String> documented(String section) {
        String text = MeshFiles.documentation();
        int from = text.indexOf("\n## " + section + "\n");
        assertTrue(from >= 0, section);
        int to = text.indexOf("\n## ", from + 1);
        Set<String> keys = new TreeSet<>();
        Matcher rows = ROW_KEYS.matcher(text.substring(from, to < 0 ? text.length() : to));
        while (rows.find()) {
            Matcher codes = CODE.matcher(rows.group(1));
            while (codes.find()) {
                if (!codes.group(1).contains(":")) {
                    keys.add(codes.group(1));
                }
            }
        }
        return keys;
    }

    /** What the parser lists as known when it meets a key that resembles none. */
    private static Set<String> known(String yaml) {
        String fix = MeshFiles.refused(yaml).stream()
                .filter(e -> e.reason().contains("unknown key 'zzzzzzzzzzzzzzzzzzzz'"))
                .findFirst()
                .orElseThrow()
                .fix();
        return new TreeSet<>(Set.of(fix.substring("use one of ".length()).split(", ")));
    }

    @Test
    void theExampleIsAccepted() {
        MeshFile mesh = MeshFiles.accepted(MeshFiles.documented());
        assertEquals(7, mesh.workloads().size());
        assertEquals(3, mesh.localPods().size());
    }

    @Test
    void everyKnownKeyIsDocumented_andNoOther() {
        String odd = "zzzzzzzzzzzzzzzzzzzz: 1";
        assertEquals(known("mesh: {" + odd + "}"), documented("mesh"));
        assertEquals(known("workloads: [{" + odd + ", netns: /a}]"), documented("workloads"));
        assertEquals(known("services: [{" + odd + "}]"), documented("services"));
        assertEquals(known("policies: [{" + odd + "}]"), documented("policies"));
        assertEquals(known("peerAuthentication: [{" + odd + "}]"), documented("peerAuthentication"));
    }
}
