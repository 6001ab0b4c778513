package io.culvert.protocol.zds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.culvert.testkit.Gen;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A node and a proxy over connections that break at any moment: after a snapshot both know the same pods. */
class ZdsSessionProperties {
    @Test
    void bothEndsKnowTheSamePods_howeverOftenConnectionsBreak() {
        Gen.forAll(2_000, gen -> {
            Map<PodUid, WorkloadInfo> alive = new HashMap<>();
            Map<PodUid, WorkloadInfo> served = new HashMap<>();
            for (int connection = gen.intBetween(1, 4); connection > 0; connection--) {
                Wire wire = new Wire(served);
                if (!wire.snapshot(alive, gen, connection > 1)) {
                    continue;
                }
                assertEquals(alive, served);
                for (int change = gen.intBetween(0, 8); change > 0; change--) {
                    wire.send(change(alive, gen));
                    assertEquals(alive, served);
                }
                while (gen.bool()) {
                    change(alive, gen);
                }
            }
        });
    }

    private static WorkloadEvent change(Map<PodUid, WorkloadInfo> alive, Gen gen) {
        PodUid pod = new PodUid("pod-" + gen.intBetween(0, 4));
        if (gen.bool()) {
            alive.remove(pod);
            return new WorkloadEvent.Delete(pod);
        }
        // A pod's identity never changes while it lives, so its uid may stand for it.
        WorkloadInfo info = new WorkloadInfo("web", "shop", pod.value());
        alive.put(pod, info);
        return new WorkloadEvent.Add(pod, info);
    }

    /** One connection. */
    private static final class Wire {
        private final ZdsNodeSession node = new ZdsNodeSession();
        private final ZdsProxySession proxy = new ZdsProxySession();
        private final Map<PodUid, WorkloadInfo> served;
        private final Set<PodUid> marked = new HashSet<>();

        Wire(Map<PodUid, WorkloadInfo> served) {
            this.served = served;
            assertEquals(new ZdsNodeSession.Step.Greeted(), node.receive(proxy.hello(), false, 0));
        }

        /** Sends every pod; false when the connection broke in between. */
        boolean snapshot(Map<PodUid, WorkloadInfo> alive, Gen gen, boolean mayBreak) {
            for (Map.Entry<PodUid, WorkloadInfo> pod : alive.entrySet()) {
                if (mayBreak && gen.oneIn(6)) {
                    return false;
                }
                boolean keep = served.containsKey(pod.getKey()) && gen.bool();
                send(keep ? new WorkloadEvent.Keep(pod.getKey()) : new WorkloadEvent.Add(pod.getKey(), pod.getValue()));
            }
            send(new WorkloadEvent.SnapshotSent());
            return true;
        }

        void send(WorkloadEvent event) {
            int descriptors = event instanceof WorkloadEvent.Add ? 1 : 0;
            var step = proxy.receive(node.request(event), false, descriptors);
            switch (assertInstanceOf(ZdsProxySession.Step.Deliver.class, step).event()) {
                case WorkloadEvent.Add add -> {
                    served.put(add.uid(), add.info());
                    marked.add(add.uid());
                }
                case WorkloadEvent.Keep keep -> {
                    Objects.requireNonNull(served.get(keep.uid()));
                    marked.add(keep.uid());
                }
                case WorkloadEvent.Delete delete -> served.remove(delete.uid());
                case WorkloadEvent.SnapshotSent sent -> served.keySet().retainAll(marked);
            }
            assertEquals(new ZdsNodeSession.Step.Acknowledged(), node.receive(proxy.ack(), false, 0));
        }
    }
}
