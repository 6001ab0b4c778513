package io.culvert.agent.dns;

import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.proxy.PodIdentity;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of one pod's DNS proxy have in common, on whatever loop they are.
 *
 * <p>Runs on: any. Bounds: {@link #QUERIES_MAX} queries under way, {@link #CONNECTIONS_MAX} TCP connections.
 */
final class DnsPod {
    static final int QUERIES_MAX = 1_024;
    static final int CONNECTIONS_MAX = 256;
    private static final System.Logger LOG = System.getLogger(DnsPod.class.getName());

    private final PodIdentity identity;
    private final MeshStore mesh;
    private final Places queries;
    private final Places connections = new Places(CONNECTIONS_MAX, null);
    private final AtomicInteger open = new AtomicInteger();
    private volatile @Nullable Runnable whenEmpty;

    DnsPod(PodIdentity identity, MeshStore mesh, Places ofAllPods) {
        this.identity = identity;
        this.mesh = mesh;
        this.queries = new Places(QUERIES_MAX, ofAllPods);
    }

    MeshStore mesh() {
        return mesh;
    }

    /** Counts a query; false when there are as many as there may be. */
    boolean begin() {
        return counted(queries.take());
    }

    void end() {
        queries.giveBack();
        closed();
    }

    /** Counts a TCP connection; false when there are as many as there may be. */
    boolean connect() {
        return counted(connections.take());
    }

    void disconnect() {
        connections.giveBack();
        closed();
    }

    private boolean counted(boolean taken) {
        if (taken) {
            int _ = open.incrementAndGet();
        }
        return taken;
    }

    private void closed() {
        int left = open.decrementAndGet();
        Runnable told = whenEmpty;
        if (left == 0 && told != null) {
            told.run();
        }
    }

    /** The task runs once nothing is under way, at once if nothing is; maybe more than once. */
    void whenEmpty(Runnable told) {
        whenEmpty = told;
        if (open.get() == 0) {
            told.run();
        }
    }

    void upstreamFailed(String why) {
        LOG.log(
                System.Logger.Level.DEBUG,
                () -> "a DNS query of pod " + identity.namespace() + "/" + identity.name() + " failed: " + why);
    }
}
