package io.culvert.agent.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.Backoff;
import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.protocol.zds.ZdsProxySession;
import io.culvert.shim.FdChannel;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server on a real socket with proxies by hand and with our own; every descriptor is accounted for. */
@Timeout(120)
class ZdsServerTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    private final LogCapture log = LogCapture.of(ZdsServer.class.getPackageName(), (message, fields) -> {});
    private final FdCensus before;
    private final Path socket;
    private final ZdsServer server;

    ZdsServerTest(@TempDir Path directory) throws ShimException {
        try (PodNetns loaded = PodNetns.current()) {
            assertTrue(loaded.inode() > 0);
        }
        before = FdCensus.ofSelf();
        socket = directory.resolve("zds.sock");
        server = ZdsServer.listen(socket, new ZdsServer.Cadence(Duration.ofMillis(1), Duration.ofMillis(20)));
    }

    @AfterEach
    void leavesNoDescriptor() {
        server.close();
        log.close();
        Eventually.passes(
                "all descriptors come back",
                SOON,
                () -> assertEquals(Map.of(), FdCensus.ofSelf().since(before)));
    }

    /** A proxy's end of one connection. */
    private final class Proxy implements AutoCloseable {
        private final FdChannel channel = FdChannel.connect(socket);
        private final ZdsProxySession session = new ZdsProxySession();

        private Proxy() throws ShimException {
            channel.send(session.hello(), SOON);
        }

        private WorkloadEvent next() throws ShimException {
            byte[] packet = new byte[1024];
            int length = channel.receive(ByteBuffer.wrap(packet), SOON);
            ZdsProxySession.Step step = session.receive(Arrays.copyOf(packet, length), false, channel.hasFd() ? 1 : 0);
            int fd = channel.takeFd();
            if (fd >= 0) {
                try (PodNetns passed = PodNetns.adopt(fd);
                        PodNetns own = PodNetns.current()) {
                    assertTrue(passed.sameNamespaceAs(own));
                }
            }
            return assertInstanceOf(ZdsProxySession.Step.Deliver.class, step).event();
        }

        private void expect(WorkloadEvent event) throws ShimException {
            assertEquals(event, next());
            channel.send(session.ack(), SOON);
        }

        private void isLive() throws ShimException {
            expect(new WorkloadEvent.SnapshotSent());
        }

        @Override
        public void close() {
            channel.close();
        }
    }

    private static PodUid uid(String name) {
        return new PodUid("uid-" + name);
    }

    private static WorkloadInfo info(String name) {
        return new WorkloadInfo(name, "shop", "default");
    }

    private static WorkloadEvent.Add added(String name) {
        return new WorkloadEvent.Add(uid(name), info(name));
    }

    private CompletableFuture<HandOver> add(String name) throws ShimException {
        return server.add(uid(name), info(name), PodNetns.current());
    }

    private static HandOver outcome(CompletableFuture<HandOver> of) throws Exception {
        return of.get(20, TimeUnit.SECONDS);
    }

    @Test
    void tellsAllThatLive_thenWhatHappens() throws Exception {
        assertInstanceOf(HandOver.NobodyTold.class, outcome(add("a")));
        server.keep(uid("k"), info("k"));
        assertInstanceOf(HandOver.NobodyTold.class, outcome(add("gone")));
        assertEquals(0, server.proxies());
        server.remove(uid("gone")).get(20, TimeUnit.SECONDS);
        try (Proxy proxy = new Proxy()) {
            proxy.expect(added("a"));
            proxy.expect(new WorkloadEvent.Keep(uid("k")));
            proxy.isLive();
            CompletableFuture<HandOver> b = add("b");
            proxy.expect(added("b"));
            assertEquals(new HandOver.Served(), outcome(b));
            CompletableFuture<Void> gone = server.remove(uid("a"));
            proxy.expect(new WorkloadEvent.Delete(uid("a")));
            gone.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void hearsWhatAProxyCannotServe() throws Exception {
        try (Proxy proxy = new Proxy()) {
            proxy.isLive();
            CompletableFuture<HandOver> a = add("a");
            assertEquals(added("a"), proxy.next());
            proxy.channel.send(proxy.session.nack("no port free"), SOON);
            assertEquals(new HandOver.Declined("no port free"), outcome(a));
        }
    }

    @Test
    void tellsTheNewestOfNewPods_andAllOfThoseThatAreGone() throws Exception {
        try (Proxy old = new Proxy()) {
            old.isLive();
            try (Proxy young = new Proxy()) {
                young.isLive();
                CompletableFuture<HandOver> a = add("a");
                young.expect(added("a"));
                assertEquals(new HandOver.Served(), outcome(a));
                CompletableFuture<Void> gone = server.remove(uid("a"));
                young.expect(new WorkloadEvent.Delete(uid("a")));
                old.expect(new WorkloadEvent.Delete(uid("a")));
                gone.get(20, TimeUnit.SECONDS);
            }
            Eventually.holds("the young one is gone", SOON, () -> server.proxies() == 1);
            CompletableFuture<HandOver> b = add("b");
            old.expect(added("b"));
            assertEquals(new HandOver.Served(), outcome(b));
        }
    }

    @Test
    void letsGoOfAProxy_thatSpeaksWithoutBeingAsked() throws Exception {
        try (Proxy proxy = new Proxy()) {
            proxy.isLive();
            proxy.channel.send(new byte[] {0x0a, 0x00}, SOON);
            assertEquals(FdChannel.END, proxy.channel.receive(ByteBuffer.allocate(10), SOON));
            Eventually.holds("it is forgotten", SOON, () -> server.proxies() == 0);
        }
    }

    @Test
    void letsGoOfAProxy_thatDoesNotAnswerInTime() throws Exception {
        try (Proxy proxy = new Proxy()) {
            proxy.isLive();
            CompletableFuture<HandOver> a = add("a");
            assertEquals(added("a"), proxy.next());
            assertInstanceOf(HandOver.NobodyTold.class, outcome(a));
            Eventually.holds("it is forgotten", SOON, () -> server.proxies() == 0);
        }
        try (Proxy next = new Proxy()) {
            next.expect(added("a"));
            next.isLive();
        }
    }

    @Test
    void keepsEveryoneInformed_whoWaitsForAProxyThatIsLost() throws Exception {
        CompletableFuture<HandOver> first;
        CompletableFuture<HandOver> second;
        try (Proxy proxy = new Proxy()) {
            proxy.isLive();
            first = add("a");
            second = add("b");
            assertEquals(added("a"), proxy.next());
        }
        assertInstanceOf(HandOver.NobodyTold.class, outcome(first));
        assertInstanceOf(HandOver.NobodyTold.class, outcome(second));
    }

    @Test
    void handsPodsToOurOwnClient_alsoAfterItWasLost() throws Exception {
        HandOver early = outcome(add("early"));
        assertInstanceOf(HandOver.NobodyTold.class, early);
        ZdsClient.Cadence quick = new ZdsClient.Cadence(
                new Backoff(Duration.ofMillis(1), Duration.ofMillis(20)),
                new Backoff(Duration.ofMillis(1), Duration.ofMillis(20)));
        try (FakePods fake = new FakePods();
                ZdsClient client = new ZdsClient(socket, fake.pods, quick, () -> 0.5, fault -> {})) {
            client.start();
            assertEquals("start early", fake.next());
            Eventually.holds("it is ready", SOON, fake.readiness::isReady);
            for (int i = 0; i < 50; i++) {
                assertEquals(new HandOver.Served(), outcome(add("p" + i)));
                assertEquals("start p" + i, fake.next());
            }
            fake.failing.add("bad");
            assertInstanceOf(HandOver.Declined.class, outcome(add("bad")));
            server.remove(uid("p7")).get(20, TimeUnit.SECONDS);
            assertEquals("close p7", fake.next());
            assertEquals(50, fake.served().size());
        }
    }
}
