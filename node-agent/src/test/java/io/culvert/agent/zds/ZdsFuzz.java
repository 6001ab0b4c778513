package io.culvert.agent.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.protocol.zds.ZdsNodeSession;
import io.culvert.shim.FdChannel;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A node agent that sends anything, with descriptors or without. */
@Timeout(120)
class ZdsFuzz {
    private static final Duration SOON = Duration.ofSeconds(20);

    private static byte[] packet(Gen gen) {
        ZdsNodeSession session = new ZdsNodeSession();
        assertEquals(new ZdsNodeSession.Step.Greeted(), session.receive(new byte[] {0x08, 0x01}, false, 0));
        PodUid uid = new PodUid(gen.dnsLabel(4));
        WorkloadEvent event = switch (gen.intBetween(0, 5)) {
            case 0 -> new WorkloadEvent.Keep(uid);
            case 1 -> new WorkloadEvent.Delete(uid);
            case 2 -> new WorkloadEvent.SnapshotSent();
            default -> new WorkloadEvent.Add(uid, new WorkloadInfo("pod", "shop", "default"));
        };
        byte[] packet = session.request(event);
        byte[] sent = gen.oneIn(3) ? gen.mutate(packet) : gen.oneIn(10) ? gen.bytes(1024) : packet;
        return sent.length == 0 ? new byte[1] : sent;
    }

    @Test
    void conversationEnds_andKeepsNoDescriptor(@TempDir Path directory) throws Exception {
        try (LogCapture log = LogCapture.of("io.culvert.agent", (message, fields) -> {})) {
            assertTrue(log != null);
            try (PodNetns own = PodNetns.current()) {
                FdCensus before = FdCensus.ofSelf();
                try (FdChannel listener = FdChannel.listen(directory.resolve("s"));
                        FakePods fake = new FakePods()) {
                    Gen.forAll(300, gen -> converse(gen, directory.resolve("s"), listener, fake, own));
                }
                Eventually.passes(
                        "all descriptors come back",
                        SOON,
                        () -> assertEquals(Map.of(), FdCensus.ofSelf().since(before)));
            }
        }
    }

    private static void converse(Gen gen, Path socket, FdChannel listener, FakePods fake, PodNetns own)
            throws Exception {
        FdChannel client = FdChannel.connect(socket);
        CompletableFuture<Void> over = new CompletableFuture<>();
        try (FdChannel cni = listener.accept(SOON)) {
            Thread.ofPlatform().daemon().start(() -> run(client, fake, over));
            for (int i = gen.intBetween(0, 6); i > 0; i--) {
                boolean withDescriptor = gen.oneIn(4) ? gen.bool() : true;
                cni.send(ByteBuffer.wrap(packet(gen)), withDescriptor ? own.fd() : -1, SOON);
            }
        } catch (ShimException closedOnUs) {
            assertTrue(closedOnUs.errno() > 0);
        }
        over.get(20, TimeUnit.SECONDS);
    }

    private static void run(FdChannel client, FakePods fake, CompletableFuture<Void> over) {
        try (client) {
            boolean _ = new ZdsConversation(client, fake.pods).run() == null;
            over.complete(null);
        } catch (ShimException lost) {
            over.complete(null);
        } catch (InterruptedException | RuntimeException | Error e) {
            over.completeExceptionally(e);
        }
    }
}
