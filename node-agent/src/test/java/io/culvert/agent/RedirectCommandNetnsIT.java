package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.config.AgentConfigLoader;
import io.culvert.agent.config.ConfigInputs;
import io.culvert.agent.config.Knob;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.shim.PodNetns;
import io.culvert.testkit.NetnsLab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules of a real namespace, by hand. */
class RedirectCommandNetnsIT {
    private static final List<String> SETTINGS =
            List.of("--outbound-port=16001", "--packet-mark=1500", "--ipv6=false", "--state-dir");

    @TempDir
    private Path folder = Path.of("");

    private final NetnsLab lab =
            NetnsLab.builder().node("node").pod("pod", "node").build();
    private final Path pod = lab.ns("pod").path();

    @AfterEach
    void close() {
        lab.close();
    }

    private String run(int code, String what, String... arguments) {
        List<String> all = new ArrayList<>(List.of("redirect", what, pod.toString()));
        all.addAll(List.of(arguments));
        CommandRun ended = CommandRun.of(all.toArray(String[]::new));
        String said = ended.out() + ended.err();
        assertEquals(code, ended.code(), said);
        return said.strip();
    }

    private String[] settings() {
        List<String> all = new ArrayList<>(SETTINGS);
        all.add(folder.toString());
        return all.toArray(String[]::new);
    }

    @Test
    void judgesByTheSettingsOfTheAgent_andRemovesForGood() throws Exception {
        assertEquals("not captured", run(1, "check"));
        CaptureLedger ledger = new CaptureLedger(CaptureLedger.folder(folder).resolve("node-a"), "");
        try (PodNetns netns = PodNetns.open(pod)) {
            RedirectApplier.detect()
                    .apply(
                            pod,
                            RedirectCapture.spec(AgentConfigLoader.loadCapture(new ConfigInputs(
                                    Map.of(
                                            Knob.OUTBOUND_PORT,
                                            "16001",
                                            Knob.PACKET_MARK,
                                            "1500",
                                            Knob.IPV6_ENABLED,
                                            "false"),
                                    Map.of(),
                                    null,
                                    1))));
            ledger.add(netns, pod);
        }
        assertEquals("captured", run(0, "check", settings()));
        String other = run(1, "check");
        assertTrue(other.startsWith("partly captured: ") && other.contains("15001"), other);

        Path file = Files.writeString(
                folder.resolve("culvert.yaml"),
                "ports: {outbound: 16001}\nsockets: {packetMark: 1500, ipv6: false}\nprocess: {stateDirectory: "
                        + folder + "}\n");
        assertEquals(
                "{\"netns\":\"" + pod + "\",\"status\":\"captured\",\"reasons\":[]}",
                run(0, "check", "--json", "--config", file.toString()));

        assertEquals(List.of(pod), ledger.names());
        assertEquals("not captured", run(0, "remove", "--config", file.toString()));
        assertEquals(List.of(), ledger.names());
        assertEquals("not captured", run(1, "check", settings()));
        assertEquals("not captured", run(0, "remove", settings()));
    }
}
