package io.culvert.agent.zds;

import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The pods of this node that proxies are to serve.
 *
 * <p>Runs on: any. Owns: the handles to their namespaces.
 */
final class LivingPods implements AutoCloseable {
    private record Pod(WorkloadInfo info, @Nullable PodNetns netns) {}

    /**
     * An event and the handle that goes with it.
     *
     * @param netns owned by this; null for an event without one
     */
    record Message(WorkloadEvent event, @Nullable PodNetns netns) implements AutoCloseable {
        int fd() {
            return netns == null ? -1 : netns.fd();
        }

        @Override
        public void close() {
            if (netns != null) {
                netns.close();
            }
        }
    }

    private final Map<PodUid, Pod> pods = new LinkedHashMap<>();
    private boolean closed;

    /** Adds a pod, in place of one of the same uid; without a handle its namespace is not at hand. */
    synchronized void put(PodUid uid, WorkloadInfo info, @Nullable PodNetns netns) {
        if (closed) {
            close(netns);
            return;
        }
        Pod before = pods.put(uid, new Pod(info, netns));
        close(before == null ? null : before.netns());
    }

    synchronized void remove(PodUid uid) {
        Pod gone = pods.remove(uid);
        close(gone == null ? null : gone.netns());
    }

    synchronized List<PodUid> uids() {
        return List.copyOf(pods.keySet());
    }

    /** What to say of a pod that lives, null when it does not; with a handle of its own, as ours may be closed while it is sent. */
    synchronized @Nullable Message message(PodUid uid) throws ShimException {
        Pod pod = pods.get(uid);
        if (pod == null) {
            return null;
        }
        PodNetns netns = pod.netns();
        return netns == null
                ? new Message(new WorkloadEvent.Keep(uid), null)
                : new Message(new WorkloadEvent.Add(uid, pod.info()), netns.another());
    }

    @Override
    public synchronized void close() {
        closed = true;
        pods.values().forEach(pod -> close(pod.netns()));
        pods.clear();
    }

    private static void close(@Nullable PodNetns netns) {
        if (netns != null) {
            netns.close();
        }
    }
}
