package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.FdCensus;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FdChannelTest {
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final Duration AT_ONCE = Duration.ofMillis(1);
    private static final Executor PLATFORM =
            task -> Thread.ofPlatform().daemon().start(task);

    private final FdCensus before = FdCensus.ofSelf();
    private FdChannel listener;
    private FdChannel client;
    private FdChannel server;

    FdChannelTest(@TempDir Path directory) throws ShimException {
        listener = FdChannel.listen(directory.resolve("s"));
        client = FdChannel.connect(directory.resolve("s"));
        server = listener.accept(SOON);
    }

    @BeforeEach
    void startsWithThreeSockets() {
        assertEquals(3, FdCensus.ofSelf().since(before).get("socket"));
    }

    @AfterEach
    void leavesNoDescriptor() {
        client.close();
        server.close();
        listener.close();
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
    }

    @Test
    void carriesWholeMessages_bothWays() throws ShimException {
        client.send(bytes("hello"), SOON);
        client.send(bytes("again"), SOON);
        assertEquals("hello", text(server));
        server.send(ByteBuffer.wrap(bytes("ack")), SOON);
        assertEquals("again", text(server));
        assertEquals("ack", text(client));
    }

    @Test
    void fillsABuffer_fromItsPosition() throws ShimException {
        client.send(bytes("hello"), SOON);
        ByteBuffer into = ByteBuffer.allocate(16);
        into.put((byte) '>');
        assertEquals(5, server.receive(into, SOON));
        assertEquals(6, into.position());
        assertArrayEquals(bytes(">hello"), java.util.Arrays.copyOf(into.array(), 6));
    }

    @Test
    void passesADescriptor_withItsMessage() throws ShimException {
        try (PodNetns own = PodNetns.current()) {
            server.send(ByteBuffer.wrap(bytes("add")), own.fd(), SOON);
            server.send(bytes("del"), SOON);
            assertEquals("add", text(client));
            assertTrue(client.hasFd());
            int fd = client.takeFd();
            assertFalse(client.hasFd());
            assertEquals(-1, client.takeFd());
            try (PodNetns passed = PodNetns.adopt(fd)) {
                assertTrue(passed.sameNamespaceAs(own));
            }
            assertEquals("del", text(client));
            assertEquals(-1, client.takeFd());
        }
    }

    @Test
    void closesADescriptor_thatNobodyTook() throws ShimException {
        try (PodNetns own = PodNetns.current()) {
            for (int i = 0; i < 3; i++) {
                server.send(ByteBuffer.wrap(bytes("add")), own.fd(), SOON);
                assertEquals("add", text(client));
            }
        }
    }

    @Test
    void refusesMessages_pastTheBound() throws ShimException {
        fails(Errno.EMSGSIZE, () -> client.send(new byte[1025], SOON));
        client.send(new byte[1024], SOON);
        assertEquals(1024, server.receive(ByteBuffer.allocate(2000), SOON));
        client.send(new byte[20], SOON);
        fails(Errno.EMSGSIZE, () -> server.receive(ByteBuffer.allocate(19), SOON));
        fails(Errno.EINVAL, () -> client.send(new byte[0], SOON));
    }

    @Test
    void givesUp_whenTheTimeoutPasses() {
        fails(Errno.ETIMEDOUT, () -> server.receive(ByteBuffer.allocate(8), AT_ONCE));
        fails(Errno.ETIMEDOUT, () -> server.receive(ByteBuffer.allocate(8), Duration.ZERO));
        fails(Errno.ETIMEDOUT, () -> listener.accept(AT_ONCE));
    }

    @Test
    void reportsTheEnd_whenThePeerIsGone() throws ShimException {
        client.close();
        assertEquals(FdChannel.END, server.receive(ByteBuffer.allocate(8), SOON));
        fails(Errno.EPIPE, () -> server.send(bytes("late"), SOON));
    }

    @Test
    void refusesUseAfterClose() {
        server.close();
        server.close();
        fails(Errno.EBADF, () -> server.receive(ByteBuffer.allocate(8), SOON));
        fails(Errno.EBADF, () -> server.send(bytes("late"), SOON));
    }

    @Test
    void wakesAWaitingReceiver_onClose() throws Exception {
        CompletableFuture<Integer> waiting = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return server.receive(ByteBuffer.allocate(8), null);
                    } catch (ShimException e) {
                        return -e.errno();
                    }
                },
                PLATFORM);
        server.close();
        assertEquals(-Errno.EBADF.number(), waiting.get(5, TimeUnit.SECONDS));
    }

    @Test
    void wakesAWaitingAccept_onClose() throws Exception {
        CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(
                () -> {
                    try (FdChannel unexpected = listener.accept(null)) {
                        return unexpected.messageBytesMax() < 0;
                    } catch (ShimException e) {
                        return true;
                    }
                },
                PLATFORM);
        while (!listener.inUse()) {
            Thread.onSpinWait();
        }
        listener.close();
        assertTrue(waiting.get(5, TimeUnit.SECONDS));
    }

    private static void fails(Errno expected, Executable call) {
        ShimException failure = assertThrows(ShimException.class, call);
        assertTrue(failure.is(expected), failure.getMessage());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(FdChannel from) throws ShimException {
        ByteBuffer into = ByteBuffer.allocateDirect(64);
        from.receive(into, SOON);
        return StandardCharsets.UTF_8.decode(into.flip()).toString();
    }
}
