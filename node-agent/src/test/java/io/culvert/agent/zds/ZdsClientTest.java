package io.culvert.agent.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.Backoff;
import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.protocol.zds.ZdsFault;
import io.culvert.protocol.zds.ZdsNodeSession;
import io.culvert.shim.FdChannel;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client on a real socket, told by hand; every namespace is our own, and every descriptor is accounted for. */
@Timeout(120)
class ZdsClientTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final ZdsClient.Cadence QUICK = new ZdsClient.Cadence(
            new Backoff(Duration.ofMillis(1), Duration.ofMillis(20)),
            new Backoff(Duration.ofMillis(1), Duration.ofMillis(20)));

    private final LogCapture log = LogCapture.of(ZdsClient.class.getPackageName(), (message, fields) -> {});
    private final FakePods fake = new FakePods();
    private final LinkedBlockingQueue<ZdsFault> fatal = new LinkedBlockingQueue<>();
    private final FdCensus before;
    private final FdChannel listener;
    private final ZdsClient client;

    ZdsClientTest(@TempDir Path directory) throws ShimException {
        try (PodNetns loaded = PodNetns.current()) {
            assertTrue(loaded.inode() > 0);
        }
        before = FdCensus.ofSelf();
        Path socket = directory.resolve("zds.sock");
        listener = FdChannel.listen(socket);
        client = new ZdsClient(socket, fake.pods, QUICK, () -> 0.5, fatal::add);
        client.start();
    }

    @AfterEach
    void leavesNoDescriptor() {
        client.close();
        listener.close();
        fake.close();
        log.close();
        Eventually.passes(
                "all descriptors come back",
                SOON,
                () -> assertEquals(Map.of(), FdCensus.ofSelf().since(before)));
    }

    /** A node agent's end of one connection. */
    private final class Cni implements AutoCloseable {
        private final FdChannel channel;
        private final ZdsNodeSession session = new ZdsNodeSession();

        private Cni() throws ShimException {
            channel = listener.accept(SOON);
            assertEquals(new ZdsNodeSession.Step.Greeted(), read());
        }

        private ZdsNodeSession.Step read() throws ShimException {
            byte[] packet = new byte[1024];
            int length = channel.receive(ByteBuffer.wrap(packet), SOON);
            return session.receive(Arrays.copyOf(packet, length), false, channel.hasFd() ? 1 : 0);
        }

        private ZdsNodeSession.Step tell(WorkloadEvent event) throws ShimException {
            channel.send(session.request(event), SOON);
            return read();
        }

        private ZdsNodeSession.Step add(String name) throws ShimException {
            try (PodNetns own = PodNetns.current()) {
                channel.send(ByteBuffer.wrap(session.request(event(name))), own.fd(), SOON);
            }
            return read();
        }

        private void added(String name) throws ShimException {
            assertEquals(new ZdsNodeSession.Step.Acknowledged(), add(name));
        }

        private void told(WorkloadEvent event) throws ShimException {
            assertEquals(new ZdsNodeSession.Step.Acknowledged(), tell(event));
        }

        private void snapshotSent() throws ShimException {
            told(new WorkloadEvent.SnapshotSent());
        }

        private void sendRaw(byte[] packet, int fd) throws ShimException {
            channel.send(ByteBuffer.wrap(packet), fd, SOON);
        }

        /** The text of the answer to what was sent by hand. */
        private String answer() throws ShimException {
            byte[] packet = new byte[1024];
            int length = channel.receive(ByteBuffer.wrap(packet), SOON);
            return new String(packet, 0, length, StandardCharsets.ISO_8859_1);
        }

        @Override
        public void close() {
            channel.close();
        }
    }

    private static PodUid uid(String name) {
        return new PodUid("uid-" + name);
    }

    private static WorkloadEvent event(String name) {
        return new WorkloadEvent.Add(uid(name), new WorkloadInfo(name, "shop", "default"));
    }

    private void awaitReady(boolean ready) {
        Eventually.holds("readiness is " + ready, SOON, () -> fake.readiness.isReady() == ready);
    }

    @Test
    void servesWhatItIsTold_andIsReadyAfterTheSnapshot() throws Exception {
        try (Cni cni = new Cni()) {
            cni.added("a");
            assertEquals("start a", fake.next());
            cni.added("b");
            assertEquals("start b", fake.next());
            assertFalse(fake.readiness.isReady());
            cni.snapshotSent();
            awaitReady(true);
            cni.told(new WorkloadEvent.Delete(uid("a")));
            assertEquals("close a", fake.next());
            cni.told(new WorkloadEvent.Delete(uid("nobody")));
            cni.added("c");
            assertEquals("start c", fake.next());
            assertEquals(List.of("b", "c"), fake.served());
        }
    }

    @Test
    void takesTheSamePodInTheSameNamespace_forTheSame() throws Exception {
        try (Cni cni = new Cni()) {
            cni.added("a");
            cni.added("a");
            cni.snapshotSent();
            cni.added("a");
            assertEquals("start a", fake.next());
            assertEquals(List.of(), List.copyOf(fake.events));
        }
    }

    @Test
    void saysWhatItCannotServe_andTriesAgain() throws Exception {
        fake.failing.add("a");
        try (Cni cni = new Cni()) {
            assertTrue(
                    cni.add("a") instanceof ZdsNodeSession.Step.Declined(String reason) && reason.contains("listen"));
            cni.added("b");
            assertEquals("start b", fake.next());
            cni.snapshotSent();
            assertFalse(fake.readiness.isReady());
            assertEquals(List.of("b"), fake.served());
            fake.failing.clear();
            assertEquals("start a", fake.next());
            awaitReady(true);
        }
    }

    @Test
    void forgetsWhatItCouldNotServe_whenThatIsGone() throws Exception {
        fake.failing.add("a");
        try (Cni cni = new Cni()) {
            assertTrue(cni.add("a") instanceof ZdsNodeSession.Step.Declined);
            cni.told(new WorkloadEvent.Delete(uid("a")));
            cni.snapshotSent();
            awaitReady(true);
            assertEquals(List.of(), fake.pods.served());
        }
    }

    @Test
    void servesOnWhileNobodyIsThere_thenComparesWithTheNextSnapshot() throws Exception {
        try (Cni first = new Cni()) {
            for (String name : List.of("kept", "same", "gone", "deleted")) {
                first.added(name);
                assertEquals("start " + name, fake.next());
            }
            first.snapshotSent();
            awaitReady(true);
        }
        try (Cni second = new Cni()) {
            awaitReady(false);
            assertEquals(List.of("deleted", "gone", "kept", "same"), fake.served());
            second.told(new WorkloadEvent.Keep(uid("kept")));
            second.told(new WorkloadEvent.Keep(uid("unknown")));
            second.added("same");
            second.added("deleted");
            second.told(new WorkloadEvent.Delete(uid("deleted")));
            assertEquals(List.of("deleted", "gone", "kept", "same"), fake.served());
            second.added("new");
            assertEquals("start new", fake.next());
            second.snapshotSent();
            assertEquals(
                    List.of("close deleted", "close gone"),
                    List.of(fake.next(), fake.next()).stream().sorted().toList());
            awaitReady(true);
            assertEquals(List.of("kept", "new", "same"), fake.served());
        }
    }

    @Test
    void forgetsWhatItCouldNotServe_whenItConnectsAgain() throws Exception {
        fake.failing.add("a");
        try (Cni first = new Cni()) {
            assertTrue(first.add("a") instanceof ZdsNodeSession.Step.Declined);
        }
        try (Cni second = new Cni()) {
            second.snapshotSent();
            awaitReady(true);
            assertEquals(List.of(), fake.pods.served());
        }
    }

    @Test
    void connectsAgain_afterWhatItCannotRead() throws Exception {
        List<byte[]> wrong = List.of(new byte[] {(byte) 0xff}, new byte[] {0x08, 0x01}, event(300));
        for (byte[] packet : wrong) {
            try (Cni cni = new Cni()) {
                cni.sendRaw(packet, -1);
                assertFalse(cni.answer().isEmpty());
                assertEquals(FdChannel.END, cni.channel.receive(ByteBuffer.allocate(10), SOON));
            }
        }
        try (Cni cni = new Cni()) {
            cni.snapshotSent();
            awaitReady(true);
        }
        assertEquals(List.of(), List.copyOf(fatal));
    }

    @Test
    void connectsAgain_whenNobodyHearsItsGreeting() throws Exception {
        for (int i = 0; i < 3; i++) {
            listener.accept(SOON).close();
        }
        try (Cni cni = new Cni()) {
            cni.added("a");
            cni.snapshotSent();
            awaitReady(true);
            assertEquals("start a", fake.next());
        }
        assertEquals(List.of(), List.copyOf(fatal));
    }

    /** An add without a descriptor. */
    private static byte[] event(int uidLength) {
        ZdsNodeSession session = new ZdsNodeSession();
        ZdsNodeSession.Step greeted = session.receive(new byte[] {0x08, 0x01}, false, 0);
        assertEquals(new ZdsNodeSession.Step.Greeted(), greeted);
        return session.request(new WorkloadEvent.Add(
                new PodUid("u".repeat(Math.min(uidLength, PodUid.LENGTH_MAX))), new WorkloadInfo("a", "b", "c")));
    }

    @Test
    void givesBackDescriptors_thatCameWithTheWrongMessage() throws Exception {
        try (PodNetns own = PodNetns.current();
                Cni cni = new Cni()) {
            ZdsNodeSession session = new ZdsNodeSession();
            assertEquals(new ZdsNodeSession.Step.Greeted(), session.receive(new byte[] {0x08, 0x01}, false, 0));
            cni.sendRaw(session.request(new WorkloadEvent.Delete(uid("a"))), own.fd());
            assertTrue(cni.answer().contains("descriptor"));
        }
        try (Cni cni = new Cni()) {
            cni.snapshotSent();
        }
    }

    @Test
    void refusesADescriptor_thatIsNoNamespace_andGoesOn() throws Exception {
        try (Cni cni = new Cni()) {
            cni.channel.send(ByteBuffer.wrap(cni.session.request(event("a"))), 0, SOON);
            assertTrue(cni.read() instanceof ZdsNodeSession.Step.Declined);
            cni.added("b");
        }
    }

    @Test
    void stops_whenTheTwoDoNotUnderstandEachOther() throws Exception {
        try (Cni cni = new Cni()) {
            cni.added("a");
            cni.snapshotSent();
            awaitReady(true);
            cni.sendRaw(new byte[] {0x1a, 0x00}, -1);
            assertTrue(cni.answer().contains("twice"));
            assertEquals(ZdsFault.SECOND_SNAPSHOT, fatal.poll(20, TimeUnit.SECONDS));
            awaitReady(false);
            assertEquals(List.of("a"), fake.served());
        }
    }
}
