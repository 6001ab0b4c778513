package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.shim.PodNetns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptureLedgerTest {
    private static final Path OWN = Path.of("/proc/self/ns/net");

    @TempDir
    private Path folder;

    private Path notes = Path.of("");
    private CaptureLedger ledger = new CaptureLedger(notes);

    @BeforeEach
    void makeLedger() {
        notes = folder.resolve("captured").resolve("node-a");
        ledger = new CaptureLedger(notes);
    }

    private static CaptureLedger after(Path notes) {
        return new CaptureLedger(notes);
    }

    @Test
    void remembersNothing_atFirst() throws IOException {
        assertEquals(List.of(), ledger.names());
    }

    @Test
    void remembersWhatWasAdded_untilItIsRemoved() throws Exception {
        try (PodNetns own = PodNetns.open(OWN)) {
            ledger.add(own, OWN);
            ledger.add(own, OWN);
            assertEquals(List.of(OWN), after(notes).names());
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(notes)));
            ledger.remove(own);
            ledger.remove(own);
            assertEquals(List.of(), after(notes).names());
        }
    }

    @Test
    void dropsEntries_whoseNamespaceIsGoneOrAnother() throws Exception {
        try (PodNetns own = PodNetns.open(OWN)) {
            ledger.add(own, folder.resolve("nowhere"));
            assertEquals(List.of(), ledger.names());
        }
        Files.writeString(notes.resolve("1-2"), OWN.toString());
        assertEquals(List.of(), ledger.names());
        Files.writeString(notes.resolve("junk"), "\0");
        Files.write(notes.resolve("bytes"), new byte[] {(byte) 0xff, (byte) 0xfe});
        Files.writeString(notes.resolve("long"), "x".repeat(5_000));
        assertEquals(List.of(), ledger.names());
        try (Stream<Path> left = Files.list(notes)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void isTakenOutOfTheLedgersOfAllNodes() throws Exception {
        CaptureLedger other = after(notes.resolveSibling("node-b"));
        try (PodNetns own = PodNetns.open(OWN)) {
            CaptureLedger.removeFromAll(folder, own);
            ledger.add(own, OWN);
            other.add(own, OWN);
            assertTrue(other.claim());
            CaptureLedger.removeFromAll(folder, own);
            assertEquals(List.of(), ledger.names());
            assertEquals(List.of(), other.names());
        }
    }

    @Test
    void isClaimedByOneAgentOnly() throws IOException {
        assertTrue(ledger.claim());
        assertTrue(ledger.claim());
        assertFalse(after(notes).claim());
        assertTrue(after(notes.resolveSibling("node-b")).claim());
    }
}
