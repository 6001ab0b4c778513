package io.culvert.cni.redirect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.cni.redirect.RedirectException.Code;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NamespaceLockTest {
    private static final Path OWN = Path.of("/proc/self/ns/net");
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    private Path folder;

    private NamespaceLock take(Duration atMost) throws RedirectException {
        return NamespaceLock.take(folder, OWN, atMost);
    }

    @Test
    void oneHasItAtATime_andTheNextOneWaits() throws Exception {
        CountDownLatch tried = new CountDownLatch(1);
        try (ExecutorService other = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Boolean> second;
            try (NamespaceLock _ = take(LONG)) {
                second = other.submit(() -> {
                    assertEquals(
                            Code.TIMEOUT,
                            assertThrows(RedirectException.class, () -> take(Duration.ofMillis(30)))
                                    .code());
                    tried.countDown();
                    try (NamespaceLock _ = take(LONG)) {
                        return true;
                    }
                });
                tried.await();
                assertFalse(second.isDone());
            }
            assertTrue(second.get());
        }
    }

    @Test
    void whoHasItMayTakeItAgain_andHasItUntilTheLastIsClosed() throws Exception {
        try (ExecutorService other = Executors.newVirtualThreadPerTaskExecutor()) {
            try (NamespaceLock _ = take(LONG)) {
                try (NamespaceLock _ = take(LONG)) {
                    Path file = onlyFile();
                    assertEquals(0, Files.size(file));
                }
                Future<NamespaceLock> taken = other.submit(() -> take(Duration.ofMillis(30)));
                assertThrows(ExecutionException.class, taken::get);
            }
            assertTrue(other.submit(() -> {
                        try (NamespaceLock _ = take(LONG)) {
                            return true;
                        }
                    })
                    .get());
        }
    }

    @Test
    void nobodyElseMayReadWhatIsLocked_norInFoldersThatAreThereAlready() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        NamespaceLock.makeFolder(folder);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
        Path inside = folder.resolve("state").resolve("locks");
        NamespaceLock.makeFolder(inside);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(inside)));
        try (NamespaceLock _ = NamespaceLock.take(inside, OWN, LONG);
                Stream<Path> files = Files.list(inside)) {
            Path lock = files.toList().getFirst();
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(lock)));
        }
    }

    private Path onlyFile() throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList().getFirst();
        }
    }

    @Test
    void namespaceThatIsGone_isToldAsSuch() {
        RedirectException gone = assertThrows(
                RedirectException.class, () -> NamespaceLock.take(folder, folder.resolve("nowhere"), LONG));
        assertEquals(Code.NETNS_GONE, gone.code());
    }

    @Test
    void folderThatIsNotThere_isAnError_andTheLockIsFreeAfterwards() throws Exception {
        Path later = folder.resolve("later");
        for (int i = 0; i < 2; i++) {
            RedirectException failed =
                    assertThrows(RedirectException.class, () -> NamespaceLock.take(later, OWN, LONG));
            assertEquals(Code.TOOL_FAILED, failed.code());
        }
        Path _ = Files.createDirectory(later);
        try (NamespaceLock _ = NamespaceLock.take(later, OWN, LONG)) {
            assertTrue(Files.isDirectory(later));
        }
    }
}
