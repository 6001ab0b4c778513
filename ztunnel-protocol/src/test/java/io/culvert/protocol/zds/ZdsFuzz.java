package io.culvert.protocol.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.Records;
import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;

class ZdsFuzz {
    private static WorkloadEvent event(Gen gen) {
        PodUid pod = new PodUid(gen.dnsLabel(36));
        return switch (gen.intBetween(0, 3)) {
            case 0 ->
                new WorkloadEvent.Add(pod, new WorkloadInfo(gen.dnsLabel(20), Records.segment(gen), gen.dnsLabel(20)));
            case 1 -> new WorkloadEvent.Keep(pod);
            case 2 -> new WorkloadEvent.Delete(pod);
            default -> new WorkloadEvent.SnapshotSent();
        };
    }

    @Test
    void proxyDeliversOrRefusesWhateverComes() {
        Gen.forAll(20_000, gen -> {
            ZdsProxySession proxy = new ZdsProxySession();
            for (int i = gen.intBetween(1, 4); i > 0; i--) {
                byte[] packet = gen.bool() ? gen.mutate(ZdsCodec.request(event(gen))) : gen.bytes(40);
                switch (proxy.receive(packet, gen.oneIn(20), gen.intBetween(0, 2))) {
                    case ZdsProxySession.Step.Deliver(var delivered) -> {
                        assertTrue(ZdsCodec.request(delivered).length <= ZdsSession.PACKET_BYTES_MAX);
                        proxy.ack();
                    }
                    case ZdsProxySession.Step.Refuse refuse ->
                        assertTrue(refuse.reply().length <= ZdsSession.PACKET_BYTES_MAX);
                }
            }
        });
    }

    @Test
    void nodeUnderstandsOrRefusesWhateverComes() {
        Gen.forAll(20_000, gen -> {
            ZdsNodeSession node = new ZdsNodeSession();
            for (int i = gen.intBetween(1, 6); i > 0; i--) {
                if (node.isReady() && gen.bool()) {
                    node.request(new WorkloadEvent.Delete(new PodUid("u")));
                }
                byte[] packet = gen.pick(
                        ZdsCodec.hello(), ZdsCodec.answer(""), gen.mutate(ZdsCodec.answer("no")), gen.bytes(40));
                if (node.receive(packet, false, 0) instanceof ZdsNodeSession.Step.Declined(var reason)) {
                    assertTrue(!reason.isEmpty());
                }
            }
        });
    }

    @Test
    void undamagedEventsArriveAsTheyWere() {
        Gen.forAll(5_000, gen -> {
            WorkloadEvent event = event(gen);
            assertEquals(
                    new ZdsProxySession.Step.Deliver(event),
                    new ZdsProxySession()
                            .receive(ZdsCodec.request(event), false, event instanceof WorkloadEvent.Add ? 1 : 0));
        });
    }
}
