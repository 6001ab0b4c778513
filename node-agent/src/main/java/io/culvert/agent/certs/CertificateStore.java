package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The latest certificate of every identity that runs on this node.
 *
 * <p>Runs on: any; {@link #current} is one map lookup. Owns: one control thread per identity, ended by {@link #forget}
 * and {@link #close}.
 *
 * <p>Errors: a failed renewal keeps the certificate that is still valid; without a valid one {@link #current} is null
 * and connections are refused.
 */
public final class CertificateStore implements CertificateSource, AutoCloseable {
    private final Map<SpiffeId, CertificateKeeper> keepers = new ConcurrentHashMap<>();
    private final CertificateKeeper.Surroundings surroundings;
    private volatile Set<SpiffeId> expected = Set.of();

    public CertificateStore(CertificateKeeper.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** Starts to keep a certificate of this identity; does nothing when one is kept already. */
    public void track(SpiffeId id) {
        keepers.computeIfAbsent(id, this::start);
    }

    private CertificateKeeper start(SpiffeId id) {
        return CertificateKeeper.start(id, surroundings, this::authorityAnswered);
    }

    private void authorityAnswered() {
        keepers.values().forEach(CertificateKeeper::authorityIsBack);
    }

    /**
     * Fetches ahead for workloads that are known to be of this node and may be handed over at any moment. Replaces what was
     * expected before; those that are expected no more are kept until {@link #retain} finds that nobody wants them.
     */
    public void expect(Set<SpiffeId> ids) {
        expected = Set.copyOf(ids);
        ids.forEach(this::track);
    }

    /** Stops keeping it: its last workload on this node is gone. */
    public void forget(SpiffeId id) {
        CertificateKeeper keeper = keepers.remove(id);
        if (keeper != null) {
            keeper.stop();
        }
    }

    /** Forgets every identity that is neither wanted nor expected any more. */
    public void retain(Predicate<SpiffeId> wanted) {
        for (SpiffeId id : keepers.keySet()) {
            if (!wanted.test(id) && !expected.contains(id)) {
                forget(id);
            }
        }
    }

    /** Fetches every certificate anew, since the roots changed. */
    public void refresh() {
        keepers.values().forEach(CertificateKeeper::refresh);
    }

    @Override
    public @Nullable TlsMaterial current(SpiffeId id) {
        CertificateKeeper keeper = keepers.get(id);
        return keeper == null ? null : keeper.current();
    }

    @Override
    public Runnable whenAvailable(SpiffeId id, Consumer<TlsMaterial> then) {
        return keepers.computeIfAbsent(id, this::start).whenAvailable(then);
    }

    /** The state of every identity, for dumps and metrics. */
    public List<CertificateStatus> statuses() {
        return byUri().values().stream().map(CertificateKeeper::status).toList();
    }

    private Map<String, CertificateKeeper> byUri() {
        Map<String, CertificateKeeper> sorted = new TreeMap<>();
        keepers.forEach((id, keeper) -> sorted.put(id.uri(), keeper));
        return sorted;
    }

    @Override
    public void close() {
        keepers.keySet().forEach(this::forget);
    }
}
