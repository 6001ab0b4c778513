package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.CaptureLedger.Holder;
import io.culvert.shim.PodNetns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
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
    private CaptureLedger ledger = new CaptureLedger(notes, "mesh.yaml");

    @BeforeEach
    void makeLedger() {
        notes = folder.resolve("captured").resolve("node-a");
        ledger = new CaptureLedger(notes, "mesh.yaml");
    }

    private static CaptureLedger after(Path notes) {
        return new CaptureLedger(notes, "mesh.yaml");
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
        Files.writeString(notes.resolve("long"), "x".repeat(9_000));
        assertEquals(List.of(), ledger.names());
        try (Stream<Path> left = Files.list(notes)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void keepsEntries_whoseNamespaceCannotBeLookedAt() throws Exception {
        Path loop = folder.resolve("loop");
        Path _ = Files.createSymbolicLink(loop, loop);
        try (PodNetns own = PodNetns.open(OWN)) {
            ledger.add(own, loop);
        }
        assertEquals(List.of(loop), ledger.names());
        assertEquals(List.of(loop), ledger.names());
    }

    @Test
    void leavesTheLedgersOfOtherNodesAlone_whenItLooksForWhatTheyLeftBehind() throws Exception {
        other().prepare();
        Path justMade = Files.createFile(notes.resolveSibling("node-b").resolve("try1.new"));
        assertEquals(List.of(), ledger.abandoned());
        assertTrue(Files.exists(justMade));
    }

    private CaptureLedger other() {
        return after(notes.resolveSibling("node-b"));
    }

    private Path entry(String node, PodNetns netns) {
        return notes.resolveSibling(node).resolve(netns.device() + "-" + netns.inode());
    }

    @Test
    void isTakenOutOfTheLedgersOfAllNodes() throws Exception {
        try (PodNetns own = PodNetns.open(OWN)) {
            CaptureLedger.removeFromAll(folder, own);
            other().add(own, OWN);
            Path copy = Files.copy(entry("node-b", own), folder.resolve("copy"));
            ledger.add(own, OWN);
            Path _ = Files.copy(copy, entry("node-b", own));
            CaptureLedger.removeFromAll(folder, own);
            assertEquals(List.of(), ledger.names());
            assertEquals(List.of(), other().names());
        }
    }

    @Test
    void namespaceIsTheLastNodesThatNotedIt() throws Exception {
        CaptureLedger other = other();
        try (PodNetns own = PodNetns.open(OWN)) {
            assertEquals(Holder.NOBODY, ledger.holder(own));
            ledger.add(own, OWN);
            assertTrue(ledger.has(own));
            assertEquals(Holder.OURS, ledger.holder(own));
            assertEquals(Holder.ABANDONED, other.holder(own));
            assertTrue(ledger.claim());
            assertEquals(Holder.ANOTHER, other.holder(own));
            other.add(own, OWN);
            assertFalse(ledger.has(own));
            assertEquals(Holder.OURS, other.holder(own));
            assertEquals(Holder.ABANDONED, ledger.holder(own));
        }
    }

    @Test
    void ofTwoNotes_theLaterOneCounts() throws Exception {
        CaptureLedger other = other();
        try (PodNetns own = PodNetns.open(OWN)) {
            ledger.add(own, OWN);
            Path ours = Files.copy(entry("node-a", own), folder.resolve("ours"));
            other.add(own, OWN);
            Path _ = Files.copy(ours, entry("node-a", own));
            Files.setLastModifiedTime(entry("node-a", own), FileTime.fromMillis(2_000));
            Files.setLastModifiedTime(entry("node-b", own), FileTime.fromMillis(1_000));
            assertEquals(Holder.OURS, ledger.holder(own));
            assertEquals(Holder.ABANDONED, other.holder(own));
            Files.setLastModifiedTime(entry("node-b", own), FileTime.fromMillis(3_000));
            assertEquals(Holder.ABANDONED, ledger.holder(own));
            assertEquals(Holder.OURS, other.holder(own));
        }
    }

    @Test
    void knowsWhatOthersLeftBehind_ifTheyHadTheSameMesh_andNobodyIsThem() throws Exception {
        CaptureLedger other = other();
        try (PodNetns own = PodNetns.open(OWN)) {
            other.add(own, OWN);
            assertEquals(List.of(OWN), ledger.abandoned());
            assertEquals(List.of(), other.abandoned());
            assertEquals(List.of(), new CaptureLedger(notes, "another.yaml").abandoned());
            Files.writeString(entry("node-b", own), OWN.toString());
            assertEquals(List.of(OWN), other.names(), "as older agents noted it");
            assertEquals(List.of(), ledger.abandoned());
            other.add(own, OWN);
            assertTrue(other.claim());
            assertEquals(List.of(), ledger.abandoned());
        }
    }

    @Test
    void saysAtOnce_thatNothingCanBeNoted() throws Exception {
        ledger.prepare();
        assertEquals(List.of(), ledger.names());
        Path file = Files.createFile(folder.resolve("file"));
        CaptureLedger nowhere = after(file.resolve("captured").resolve("node-a"));
        assertThrows(IOException.class, nowhere::prepare);
    }

    @Test
    void isClaimedByOneAgentOnly() throws IOException {
        assertTrue(ledger.claim());
        assertTrue(ledger.claim());
        assertFalse(after(notes).claim());
        assertTrue(after(notes.resolveSibling("node-b")).claim());
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(notes.resolveSibling("node-b.lock"))));
    }
}
