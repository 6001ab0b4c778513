package io.culvert.protocol.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.wire.zds.AddWorkload;
import io.culvert.protocol.wire.zds.DelWorkload;
import io.culvert.protocol.wire.zds.WorkloadRequest;
import io.culvert.protocol.wire.zds.WorkloadResponse;
import io.culvert.protocol.wire.zds.ZdsHello;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ZdsSessionTest {
    private static final PodUid POD = new PodUid("7d0e0f5c-0000-4000-8000-000000000001");
    private static final WorkloadEvent ADD = new WorkloadEvent.Add(POD, new WorkloadInfo("web-1", "shop", "web"));
    private static final WorkloadEvent KEEP = new WorkloadEvent.Keep(POD);
    private static final WorkloadEvent DELETE = new WorkloadEvent.Delete(POD);
    private static final WorkloadEvent SNAPSHOT = new WorkloadEvent.SnapshotSent();

    private final ZdsProxySession proxy = new ZdsProxySession();
    private final ZdsNodeSession node = new ZdsNodeSession();

    private void exchange(WorkloadEvent event) {
        byte[] packet = node.request(event);
        assertFalse(node.isReady());
        assertEquals(
                new ZdsProxySession.Step.Deliver(event),
                proxy.receive(packet, false, event instanceof WorkloadEvent.Add ? 1 : 0));
        assertEquals(new ZdsNodeSession.Step.Acknowledged(), node.receive(proxy.ack(), false, 0));
    }

    private void greet() {
        assertEquals(new ZdsNodeSession.Step.Greeted(), node.receive(proxy.hello(), false, 0));
    }

    private ZdsFault refused(byte[] packet, int descriptors) {
        var refuse = assertInstanceOf(ZdsProxySession.Step.Refuse.class, proxy.receive(packet, false, descriptors));
        assertTrue(refuse.reply().length <= ZdsSession.PACKET_BYTES_MAX);
        return refuse.fault();
    }

    private static byte[] add(String uid, boolean info) {
        AddWorkload.Builder add = AddWorkload.newBuilder().setUid(uid);
        if (info) {
            add.setWorkloadInfo(io.culvert.protocol.wire.zds.WorkloadInfo.newBuilder()
                    .setName("n")
                    .setNamespace("ns")
                    .setServiceAccount("sa"));
        }
        return WorkloadRequest.newBuilder().setAdd(add).build().toByteArray();
    }

    @Test
    void carriesASnapshotAndThenChanges() {
        assertFalse(node.isReady());
        greet();
        exchange(ADD);
        exchange(KEEP);
        exchange(DELETE);
        assertFalse(proxy.snapshotReceived());
        exchange(SNAPSHOT);
        assertTrue(proxy.snapshotReceived());
        assertTrue(node.isLive());
        exchange(ADD);
        exchange(DELETE);
    }

    @Test
    void passesOnWhyAnEventWasDeclined_andGoesOn() {
        greet();
        proxy.receive(node.request(ADD), false, 1);
        assertEquals(
                new ZdsNodeSession.Step.Declined("cannot bind 15008"),
                node.receive(proxy.nack("cannot bind 15008"), false, 0));
        exchange(ADD);
    }

    @Test
    void cutsAReasonThatWouldNotFit_atACharacter() throws Exception {
        greet();
        proxy.receive(node.request(ADD), false, 1);
        byte[] packet = proxy.nack("é€😀".repeat(1_000));
        assertTrue(packet.length <= ZdsSession.PACKET_BYTES_MAX && packet.length > 900, () -> "" + packet.length);
        String error = WorkloadResponse.parseFrom(packet).getAck().getError();
        assertTrue("é€😀".repeat(1_000).startsWith(error), error);
        assertInstanceOf(ZdsNodeSession.Step.Declined.class, node.receive(packet, false, 0));
        assertTrue(error.getBytes(StandardCharsets.UTF_8).length < packet.length);
    }

    @Test
    void largestEventFitsAPacket() {
        WorkloadEvent largest = new WorkloadEvent.Add(
                new PodUid("u".repeat(253)), new WorkloadInfo("n".repeat(253), "s".repeat(63), "a".repeat(253)));
        greet();
        exchange(largest);
        assertTrue(ZdsCodec.request(largest).length <= ZdsSession.PACKET_BYTES_MAX);
    }

    @Test
    void proxyRefusesDescriptorsThatDoNotFitTheMessage() {
        assertEquals(ZdsFault.NO_DESCRIPTOR, refused(ZdsCodec.request(ADD), 0));
        assertEquals(ZdsFault.SEVERAL_DESCRIPTORS, refused(ZdsCodec.request(ADD), 2));
        assertEquals(ZdsFault.UNEXPECTED_DESCRIPTOR, refused(ZdsCodec.request(DELETE), 1));
        assertEquals(ZdsFault.UNEXPECTED_DESCRIPTOR, refused(ZdsCodec.request(SNAPSHOT), 1));
        assertEquals(ZdsFault.Consequence.RECONNECT, ZdsFault.NO_DESCRIPTOR.consequence());
    }

    @Test
    void proxyRefusesWhatIsNoRequest() {
        assertEquals(ZdsFault.NO_PAYLOAD, refused(new byte[0], 0));
        assertEquals(ZdsFault.UNDECODABLE, refused(new byte[] {10, 5, 1}, 0));
        assertEquals(ZdsFault.TRUNCATED, refused(new byte[1_025], 0));
        assertInstanceOf(ZdsProxySession.Step.Refuse.class, proxy.receive(ZdsCodec.request(DELETE), true, 0));
    }

    @Test
    void proxyRefusesForGood_whatBreaksTheProtocol() {
        assertEquals(ZdsFault.NO_WORKLOAD_INFO, refused(add("uid", false), 1));
        greet();
        exchange(SNAPSHOT);
        assertEquals(ZdsFault.KEEP_AFTER_SNAPSHOT, refused(ZdsCodec.request(KEEP), 0));
        assertEquals(ZdsFault.SECOND_SNAPSHOT, refused(ZdsCodec.request(SNAPSHOT), 0));
        for (ZdsFault fault :
                new ZdsFault[] {ZdsFault.NO_WORKLOAD_INFO, ZdsFault.KEEP_AFTER_SNAPSHOT, ZdsFault.SECOND_SNAPSHOT}) {
            assertEquals(ZdsFault.Consequence.FATAL, fault.consequence());
        }
    }

    @Test
    void proxyDeclinesAPodItCannotUse_withoutLeaving() {
        assertEquals(ZdsFault.UNUSABLE, refused(add("", true), 1));
        assertEquals(ZdsFault.UNUSABLE, refused(add("u".repeat(254), true), 1));
        assertEquals(
                ZdsFault.UNUSABLE,
                refused(
                        WorkloadRequest.newBuilder()
                                .setDel(DelWorkload.newBuilder().setUid("a\nb"))
                                .build()
                                .toByteArray(),
                        0));
        assertEquals(ZdsFault.Consequence.ANSWER, ZdsFault.UNUSABLE.consequence());
        greet();
        exchange(ADD);
    }

    @Test
    void nodeRefusesWhatIsNoHello() {
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.UNKNOWN_VERSION), node.receive(new byte[0], false, 0));
        byte[] next = ZdsHello.newBuilder().setVersionValue(2).build().toByteArray();
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.UNKNOWN_VERSION), node.receive(next, false, 0));
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.UNDECODABLE), node.receive(new byte[] {8}, false, 0));
        assertEquals(
                new ZdsNodeSession.Step.Refuse(ZdsFault.UNEXPECTED_DESCRIPTOR), node.receive(proxy.hello(), false, 1));
        assertThrows(IllegalStateException.class, () -> node.request(ADD));
    }

    @Test
    void nodeRefusesAnswersThatNothingAskedFor() {
        greet();
        byte[] ack = ZdsCodec.answer("");
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.UNSOLICITED), node.receive(ack, false, 0));
        node.request(ADD);
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.NO_PAYLOAD), node.receive(new byte[0], false, 0));
        assertEquals(new ZdsNodeSession.Step.Refuse(ZdsFault.TRUNCATED), node.receive(ack, true, 0));
    }

    @Test
    void misuseIsABug() {
        greet();
        assertThrows(IllegalStateException.class, proxy::ack);
        byte[] packet = node.request(ADD);
        assertThrows(IllegalStateException.class, () -> node.request(ADD));
        proxy.receive(packet, false, 1);
        assertThrows(IllegalStateException.class, () -> proxy.receive(packet, false, 1));
        assertThrows(IllegalArgumentException.class, () -> proxy.nack(""));
        node.receive(proxy.ack(), false, 0);
        exchange(SNAPSHOT);
        assertThrows(IllegalStateException.class, () -> node.request(SNAPSHOT));
        assertThrows(IllegalStateException.class, () -> node.request(KEEP));
        assertTrue(node.isReady());
    }

    @Test
    void boundsWhatAPodIs() {
        assertThrows(IllegalArgumentException.class, () -> new WorkloadInfo("", "ns", "sa"));
        assertThrows(IllegalArgumentException.class, () -> new WorkloadInfo("n", "n".repeat(64), "sa"));
        assertThrows(IllegalArgumentException.class, () -> new WorkloadInfo("n", "ns", "a/b"));
        assertThrows(IllegalArgumentException.class, () -> new PodUid("é"));
    }
}
