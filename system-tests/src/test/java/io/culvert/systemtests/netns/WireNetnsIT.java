package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What somebody who listens on the network sees, captured where every packet between two pods passes. */
class WireNetnsIT {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final String MARKER = "culvert-marker-that-nobody-may-read";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(Way.builder());

    private static MeshLab lab() {
        return LAB.lab();
    }

    @ParameterizedTest
    @EnumSource
    void textIsReadableOnTheWireOnlyWhereThereIsNoTunnel(Way way) throws IOException {
        Path file = Files.createTempFile(
                "wire", ".pcap", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-rw-rw-")));
        try {
            capture(way, file);
            boolean tunnel = way.isTunnel();
            String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
            assertEquals(!tunnel, bytes.contains(MARKER), "the marker is on the wire");
            assertEquals(tunnel, packets(file, "tcp port 15008") > 0, "packets of a tunnel");
            assertEquals(!tunnel, packets(file, "tcp port " + Way.PORT) > 0, "packets to the port");
            if (tunnel) {
                // A handshake record of TLS, as the first bytes of the payload.
                assertTrue(packets(file, "tcp dst port 15008 and tcp[((tcp[12:1] & 0xf0) >> 2):2] = 0x1603") > 0);
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void capture(Way way, Path file) {
        List<String> tcpdump = List.of(
                "nsenter",
                "--net=" + lab().net().bridgePath(),
                "tcpdump",
                "-n",
                "-U",
                "-Z",
                "root",
                "-i",
                "any",
                "-w",
                file.toString(),
                "tcp");
        try (LabProcess capture = lab().net().spawn(new ProcessBuilder(tcpdump));
                LabProcess serving = way.serve(lab(), List.of("--accept", "1"), "hear:" + MARKER, "say:" + MARKER)) {
            capture.awaitLine("listening on", LONG);
            way.connect(lab(), List.of(), "say:" + MARKER, "hear:" + MARKER, "fin", "eof")
                    .expectOk();
            serving.await(LONG).expectOk();
            Eventually.holds("packets are written", LONG, () -> packets(file, "tcp[tcpflags] & tcp-fin != 0") >= 2);
            capture.stop().expectOk();
        }
    }

    private static long packets(Path file, String filter) {
        String read = lab().net()
                .exec(lab().ns("one"), "tcpdump", "-n", "-r", file.toString(), filter)
                .expectOk()
                .out();
        return read.lines().count();
    }
}
