package io.culvert.control.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.FakeInstantSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Edits of a real file, as editors, deployments and mishaps make them. */
class MeshFileSourceTest {
    private static final MeshFileSource.Cadence CADENCE =
            new MeshFileSource.Cadence(Duration.ofMillis(100), Duration.ofMillis(20));

    @TempDir
    Path temp = Path.of("");

    private Path file = Path.of("");
    /** Before any file was made: none has rested by it. */
    private final FakeInstantSource clock = new FakeInstantSource(Instant.parse("2020-01-01T00:00:00Z"));

    private final BlockingQueue<MeshFileUpdate> updates = new LinkedBlockingQueue<>();
    private @Nullable MeshFileSource source;
    private @Nullable TrustDomain certified;
    private MeshFileSource.Cadence cadence = CADENCE;
    /** Happens once, in the middle of reading the file. */
    private final AtomicReference<@Nullable Runnable> whileItReads = new AtomicReference<>();

    @BeforeEach
    void name() {
        file = temp.resolve("mesh.yaml");
    }

    @AfterEach
    void close() {
        if (source != null) {
            source.close();
        }
    }

    private static String mesh(String name) {
        return "workloads: [{name: " + name + ", addresses: [10.0.0.1]}]\n";
    }

    private MeshFileUpdate start(Consumer<MeshFileUpdate> listener) {
        MeshFileSource made =
                new MeshFileSource(file, cadence, MeshFile.Settings.DEFAULT, certified, this::readingAt, listener);
        source = made;
        return made.start();
    }

    private Instant readingAt() {
        Runnable now = whileItReads.getAndSet(null);
        if (now != null) {
            now.run();
        }
        return clock.instant();
    }

    private MeshFileUpdate start() {
        MeshFileUpdate first = start(updates::add);
        assertEquals(first, updates.poll());
        return first;
    }

    private MeshFileUpdate next() throws InterruptedException {
        MeshFileUpdate update = updates.poll(20, TimeUnit.SECONDS);
        assertNotNull(update, "nothing was published");
        return update;
    }

    private MeshFileUpdate.Loaded loaded(String name) throws InterruptedException {
        MeshFileUpdate.Loaded loaded = assertInstanceOf(MeshFileUpdate.Loaded.class, next());
        assertEquals(name, loaded.mesh().workloads().getFirst().name());
        return loaded;
    }

    private String rejected() throws InterruptedException {
        return assertInstanceOf(MeshFileUpdate.Rejected.class, next())
                .errors()
                .getFirst()
                .toString();
    }

    private void replace(String text) {
        try {
            Path beside = Files.writeString(temp.resolve("mesh.yaml.new"), text);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void startReportsAGoodFileWithItsVersionAndTime() throws Exception {
        Files.writeString(file, mesh("a"));
        MeshFileUpdate.Loaded first = assertInstanceOf(MeshFileUpdate.Loaded.class, start());
        assertEquals(16, first.version().length());
        assertEquals(clock.instant(), first.at());
    }

    @Test
    void startReportsAMissingFile_andItsLaterAppearance() throws Exception {
        MeshFileUpdate.Rejected first = assertInstanceOf(MeshFileUpdate.Rejected.class, start());
        assertEquals(
                file + ": the file does not exist; create it, or correct the path",
                first.errors().getFirst().toString());
        Files.writeString(file, mesh("a"));
        loaded("a");
    }

    @Test
    void startReadsAgainWhatChangedWhileItWasRead() throws Exception {
        Files.writeString(file, mesh("a"));
        whileItReads.set(() -> replace(mesh("b")));
        MeshFileUpdate.Loaded first = assertInstanceOf(MeshFileUpdate.Loaded.class, start());
        assertEquals("b", first.mesh().workloads().getFirst().name());
        assertNull(updates.poll(300, TimeUnit.MILLISECONDS));
    }

    @Test
    void startWaitsForAFileThatIsJustBeingWritten() throws Exception {
        cadence = new MeshFileSource.Cadence(Duration.ofMillis(100), Duration.ofSeconds(1));
        Files.writeString(file, "workloads:\n- {name: a, addresses: [10.0.0.1]}\n");
        CompletableFuture<Void> rest = CompletableFuture.runAsync(
                () -> replace("workloads:\n- {name: a, addresses: [10.0.0.1]}\n- {name: b, addresses: [10.0.0.2]}\n"),
                CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS));
        MeshFileUpdate.Loaded first = assertInstanceOf(MeshFileUpdate.Loaded.class, start());
        rest.join();
        assertEquals(2, first.mesh().workloads().size());
    }

    @Test
    void startWaitsForNoFileThatHasRested() throws Exception {
        cadence = new MeshFileSource.Cadence(Duration.ofMillis(100), Duration.ofDays(1));
        Files.writeString(file, mesh("a"));
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        assertInstanceOf(MeshFileUpdate.Loaded.class, start());
    }

    private static void fail() {
        throw new IllegalStateException("made for this test");
    }

    @Test
    void aFaultOfOursIsReported_andEndsNothing() throws Exception {
        Files.writeString(file, mesh("a"));
        whileItReads.set(MeshFileSourceTest::fail);
        MeshFileUpdate.Rejected first = assertInstanceOf(MeshFileUpdate.Rejected.class, start());
        assertTrue(
                first.errors().getFirst().reason().contains("a fault in the agent")
                        && first.errors().getFirst().reason().contains("made for this test"),
                first::toString);
        loaded("a");
        whileItReads.set(MeshFileSourceTest::fail);
        replace(mesh("b"));
        assertTrue(rejected().contains("a fault in the agent"));
        loaded("b");
        replace(mesh("c"));
        loaded("c");
    }

    @Test
    void seesAFileThatIsReplacedByRenaming_andOneWrittenInPlace() throws Exception {
        Files.writeString(file, mesh("a"));
        MeshFileUpdate.Loaded first = assertInstanceOf(MeshFileUpdate.Loaded.class, start());
        clock.advance(Duration.ofSeconds(5));
        replace(mesh("b"));
        MeshFileUpdate.Loaded second = loaded("b");
        assertEquals(clock.instant(), second.at());
        assertNotEquals(first.version(), second.version());
        Files.writeString(file, mesh("c"));
        loaded("c");
    }

    @Test
    void aBadFileIsRejectedOnce_andTheGoodOneComesBackWithItsOldVersion() throws Exception {
        Files.writeString(file, mesh("a"));
        MeshFileUpdate.Loaded first = assertInstanceOf(MeshFileUpdate.Loaded.class, start());
        replace("workloads: [{}]\n");
        assertTrue(rejected().startsWith(file + ":1:13: workloads[0]: has no 'name'"));
        replace(mesh("a"));
        assertEquals(first.version(), loaded("a").version());
    }

    @Test
    void aMeshOfAnotherTrustDomainThanTheAuthoritysIsRejected_atStartAndLater() throws Exception {
        certified = TrustDomain.CLUSTER_LOCAL;
        Files.writeString(file, "mesh: {trustDomain: other.example}\n" + mesh("a"));
        MeshFileUpdate.Rejected first = assertInstanceOf(MeshFileUpdate.Rejected.class, start());
        assertTrue(
                first.errors()
                        .getFirst()
                        .toString()
                        .startsWith(file + ":1:21: mesh.trustDomain: the certificate authority"),
                first::toString);
        replace(mesh("a"));
        loaded("a");
        replace("mesh:\n  trustDomain: other.example\n" + mesh("b"));
        assertTrue(rejected().startsWith(file + ":2:16: mesh.trustDomain: the certificate authority"));
    }

    @Test
    void aFileThatGoesAwayIsRejected_andFoundWhenItReturns() throws Exception {
        Files.writeString(file, mesh("a"));
        start();
        Files.delete(file);
        assertTrue(rejected().contains("does not exist"));
        replace(mesh("b"));
        loaded("b");
    }

    @Test
    void aDirectoryThatGoesAwayWithTheFileIsWatchedAgain() throws Exception {
        Path dir = Files.createDirectory(temp.resolve("etc"));
        file = Files.writeString(dir.resolve("mesh.yaml"), mesh("a"));
        start();
        Files.move(dir, temp.resolve("away"));
        assertTrue(rejected().contains("does not exist"));
        Files.createDirectory(dir);
        Files.writeString(file, mesh("b"));
        loaded("b");
        Files.writeString(file, mesh("c"));
        loaded("c");
    }

    @Test
    void anExchangeOfSymbolicLinksIsSeen() throws Exception {
        Path one = Files.createDirectory(temp.resolve("..one"));
        Path two = Files.createDirectory(temp.resolve("..two"));
        Files.writeString(one.resolve("mesh.yaml"), mesh("a"));
        Files.writeString(two.resolve("mesh.yaml"), mesh("b"));
        Path data = Files.createSymbolicLink(temp.resolve("..data"), one.getFileName());
        Files.createSymbolicLink(file, Path.of("..data", "mesh.yaml"));
        start();
        Path exchange = Files.createSymbolicLink(temp.resolve("..data_tmp"), two.getFileName());
        Files.move(exchange, data, StandardCopyOption.ATOMIC_MOVE);
        loaded("b");
    }

    @Test
    void aChangeBehindALinkToAnotherDirectoryIsSeen() throws Exception {
        Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
        Path real = Files.writeString(elsewhere.resolve("real.yaml"), mesh("a"));
        Path links = Files.createDirectory(temp.resolve("links"));
        file = Files.createSymbolicLink(links.resolve("mesh.yaml"), real);
        start();
        Files.writeString(real, mesh("b"));
        loaded("b");
    }

    @Test
    void aTouchAndTheSameTextAgainSayNothing() throws Exception {
        Files.writeString(file, mesh("a"));
        start();
        replace(mesh("a"));
        assertNull(updates.poll(300, TimeUnit.MILLISECONDS));
        replace(mesh("b"));
        loaded("b");
        assertTrue(updates.isEmpty());
    }

    @Test
    void aListenerThatFailsIsToldOfTheNextEdit() throws Exception {
        Files.writeString(file, mesh("a"));
        start(update -> {
            updates.add(update);
            throw new IllegalStateException("the listener is broken");
        });
        loaded("a");
        replace(mesh("b"));
        loaded("b");
        replace(mesh("c"));
        loaded("c");
    }

    @Test
    void afterCloseNothingIsPublished() throws Exception {
        Files.writeString(file, mesh("a"));
        start();
        close();
        replace(mesh("b"));
        assertNull(updates.poll(300, TimeUnit.MILLISECONDS));
        close();
    }

    @Test
    void aDirectoryInPlaceOfTheFileIsRejected() throws Exception {
        Files.createDirectory(file);
        MeshFileUpdate.Rejected first = assertInstanceOf(MeshFileUpdate.Rejected.class, start());
        assertTrue(first.errors().getFirst().reason().contains("not a regular file"));
    }

    @Test
    void manyQuickEditsEndWithTheLast() throws Exception {
        Files.writeString(file, mesh("a"));
        start();
        for (int i = 0; i <= 200; i++) {
            replace(mesh("w" + i));
        }
        MeshFileUpdate.Loaded last;
        do {
            last = assertInstanceOf(MeshFileUpdate.Loaded.class, next());
        } while (!last.mesh().workloads().getFirst().name().equals("w200"));
        assertNull(updates.poll(300, TimeUnit.MILLISECONDS));
    }
}
