package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Commands;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShimSelfTestTest {
    /** What the test runs in a process that lacks the capabilities. */
    public static void main(String[] args) throws ShimException {
        ShimSelfTest.run(0x539).forEach(System.out::println);
        // What is done at home needs nothing.
        try (SocketFactory factory = SocketFactory.open();
                PodNetns own = PodNetns.current()) {
            Fds.close(
                    factory.listenTcp(own, new ListenSpec(0, 0, 0, 1, ListenSpec.Transparency.BEST_EFFORT, false, 0)));
            System.out.println("listened");
        }
    }

    @Test
    void needsNothing_whereNoNamespaceIsEnteredAndNothingMarked() {
        assertEquals(List.of(), ShimSelfTest.runAtHome(0));
        assertEquals(List.of(), ShimSelfTest.runAtHome(1337));
    }

    @Test
    void findsNothingMissing_asRoot() {
        assertEquals(List.of(), ShimSelfTest.run(0x539));
    }

    @Test
    void saysWhatToGrant_withoutCapabilities() {
        CommandResult result = Commands.run(
                Duration.ofSeconds(30),
                List.of(
                        "setpriv",
                        "--bounding-set=-sys_admin,-net_admin,-net_raw",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ShimSelfTestTest.class.getName()));
        List<String> lines = result.expectOk().out().lines().toList();
        assertEquals(4, lines.size(), result.toString());
        assertEquals("listened", lines.getLast());
        lines.subList(0, 3).forEach(line -> assertTrue(line.contains("EPERM (1)"), line));
        assertTrue(lines.get(0).startsWith("enter a network namespace (setns)"), lines.get(0));
        assertTrue(lines.get(0).endsWith("grant the container CAP_SYS_ADMIN"), lines.get(0));
        assertTrue(lines.get(1).endsWith("grant the container CAP_NET_ADMIN"), lines.get(1));
    }
}
