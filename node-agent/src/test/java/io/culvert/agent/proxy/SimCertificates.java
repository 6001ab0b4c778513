package io.culvert.agent.proxy;

import io.culvert.agent.certs.CertificateSource;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.protocol.identity.SpiffeId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Certificates that come when the test says so. */
final class SimCertificates implements CertificateSource {
    private final Map<SpiffeId, TlsMaterial> available = new HashMap<>();
    private final Map<SpiffeId, List<Consumer<TlsMaterial>>> waiting = new HashMap<>();

    void put(TlsMaterial material) {
        available.put(material.id(), material);
        List<Consumer<TlsMaterial>> told = waiting.remove(material.id());
        if (told != null) {
            List.copyOf(told).forEach(waiter -> waiter.accept(material));
        }
    }

    @Override
    public @Nullable TlsMaterial current(SpiffeId id) {
        return available.get(id);
    }

    @Override
    public Runnable whenAvailable(SpiffeId id, Consumer<TlsMaterial> then) {
        TlsMaterial held = available.get(id);
        if (held != null) {
            then.accept(held);
            return () -> {};
        }
        List<Consumer<TlsMaterial>> waiters = waiting.computeIfAbsent(id, fresh -> new ArrayList<>());
        waiters.add(then);
        return () -> waiters.remove(then);
    }

    /** Wishes that were neither fulfilled nor withdrawn. */
    int wishes() {
        return waiting.values().stream().mapToInt(List::size).sum();
    }
}
