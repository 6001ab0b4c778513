package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs root: it gives files to another user. */
class NativeStoreTest {
    private static final byte[] CONTENT = "machine code".getBytes(StandardCharsets.UTF_8);
    private static final int STRANGER = 12345;

    @TempDir
    Path temporary;

    @Test
    void writesOnce_forThisUserOnly() throws IOException {
        Path directory = temporary.resolve("native");
        Path file = new NativeStore(directory, true).place(CONTENT);
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
        assertEquals("rwx------", mode(directory));
        assertEquals("r-x------", mode(file));
        Object inode = Files.getAttribute(file, "unix:ino");
        assertEquals(file, new NativeStore(directory, true).place(CONTENT));
        assertEquals(inode, Files.getAttribute(file, "unix:ino"));
        assertArrayEquals(
                new String[] {String.valueOf(file.getFileName())},
                directory.toFile().list());
    }

    @Test
    void replacesAFile_thatHoldsSomethingElse() throws IOException {
        Path file = new NativeStore(temporary, true).place(CONTENT);
        Files.delete(file);
        Files.writeString(file, "evil machine");
        assertArrayEquals(CONTENT, Files.readAllBytes(new NativeStore(temporary, true).place(CONTENT)));
    }

    @Test
    void replacesAFile_thatAnotherUserOwns() throws IOException {
        Path file = new NativeStore(temporary, true).place(CONTENT);
        Files.setAttribute(file, "unix:uid", STRANGER);
        assertEquals(file, new NativeStore(temporary, true).place(CONTENT));
        assertEquals(0, Files.getAttribute(file, "unix:uid"));
    }

    @Test
    void replacesALink_withoutFollowingIt() throws IOException {
        Path file = new NativeStore(temporary, true).place(CONTENT);
        Path elsewhere = temporary.resolve("elsewhere");
        Files.move(file, elsewhere);
        Files.createSymbolicLink(file, elsewhere);
        new NativeStore(temporary, true).place(CONTENT);
        assertFalse(Files.isSymbolicLink(file));
    }

    @Test
    void refusesADirectory_thatOthersMayWrite() throws IOException {
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxrwx---"));
        IOException refused = assertThrows(IOException.class, () -> new NativeStore(temporary, true).place(CONTENT));
        assertTrue(String.valueOf(refused.getMessage()).contains("can be written by others"), refused.getMessage());
    }

    @Test
    void refusesADirectory_thatAnotherUserOwns() throws IOException {
        Files.setAttribute(temporary, "unix:uid", STRANGER);
        IOException refused = assertThrows(IOException.class, () -> new NativeStore(temporary, true).place(CONTENT));
        assertTrue(String.valueOf(refused.getMessage()).contains("belongs to another user"), refused.getMessage());
    }

    @Test
    void refusesADirectory_thatOthersMaySwap() throws IOException {
        Path open = Files.createDirectory(temporary.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        IOException refused =
                assertThrows(IOException.class, () -> new NativeStore(open.resolve("native"), true).place(CONTENT));
        assertTrue(String.valueOf(refused.getMessage()).contains("lets others replace"), refused.getMessage());
    }

    @Test
    void refusesALink_inPlaceOfTheDirectory() throws IOException {
        Path real = Files.createDirectory(temporary.resolve("real"));
        Path link = Files.createSymbolicLink(temporary.resolve("link"), real);
        IOException refused = assertThrows(IOException.class, () -> new NativeStore(link, true).place(CONTENT));
        assertTrue(String.valueOf(refused.getMessage()).contains("is not a directory"), refused.getMessage());
    }

    @Test
    void goesElsewhere_whenTheDefaultDirectoryIsATrap() throws IOException {
        Path trap = Files.createDirectory(temporary.resolve("trap"));
        Files.setAttribute(trap, "unix:uid", STRANGER);
        NativeStore store = new NativeStore(trap, false);
        Path file = store.place(CONTENT);
        assertNotEquals(trap, file.getParent());
        assertEquals("rwx------", mode(String.valueOf(file.getParent())));
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
        store.loaded(file);
        assertArrayEquals(new String[] {"trap"}, temporary.toFile().list());
    }

    @Test
    void readsTheUser_whomNewFilesBelongTo() throws IOException {
        assertEquals(1003, NativeStore.userIn("Name:\tjava\nUid:\t1000\t1001\t1002\t1003\nGid:\t1\t2\t3\t4\n"));
        assertThrows(IOException.class, () -> NativeStore.userIn("Name:\tjava\n"));
    }

    @Test
    void findsTheResource_ofEachArchitecture() {
        assertEquals("native/linux-x86_64/libculvert_shim.so", NativeLibrary.resource("Linux", "amd64"));
        assertEquals("native/linux-aarch64/libculvert_shim.so", NativeLibrary.resource("Linux", "aarch64"));
        assertEquals("native/linux-riscv64/libculvert_shim.so", NativeLibrary.resource("Linux", "riscv64"));
        assertEquals(2, NativeLibrary.abi());
    }

    private static String mode(String path) throws IOException {
        return mode(Path.of(path));
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
