package io.culvert.agent.dns;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metrics;
import java.util.Random;

/**
 * What the DNS proxies of all pods of this node know, and what they share.
 *
 * <p>Runs on: any. Bounds: {@link #QUERIES_MAX} queries under way, each of which may hold a descriptor; {@link
 * AnswerCache#BYTES_OF_ALL_PODS_MAX} of answers.
 */
public final class DnsWorld {
    static final int QUERIES_MAX = 4_096;

    private final AgentConfig config;
    private final MeshStore mesh;
    private final Metrics metrics;
    private final NameServers nameServers;
    private final Random unpredictable;
    private final Places queries = new Places(QUERIES_MAX, null);
    private final CacheSpace cached = new CacheSpace(Integer.MAX_VALUE, AnswerCache.BYTES_OF_ALL_PODS_MAX, null);

    /**
     * The surroundings of all proxies.
     *
     * @param unpredictable chooses the ids of queries that are passed on; nobody outside may be able to guess them
     */
    public DnsWorld(
            AgentConfig config, MeshStore mesh, Metrics metrics, NameServers nameServers, Random unpredictable) {
        this.config = config;
        this.mesh = mesh;
        this.metrics = metrics;
        this.nameServers = nameServers;
        this.unpredictable = unpredictable;
    }

    AgentConfig config() {
        return config;
    }

    MeshStore mesh() {
        return mesh;
    }

    Metrics metrics() {
        return metrics;
    }

    NameServers nameServers() {
        return nameServers;
    }

    Random unpredictable() {
        return unpredictable;
    }

    Places queries() {
        return queries;
    }

    CacheSpace cached() {
        return cached;
    }
}
