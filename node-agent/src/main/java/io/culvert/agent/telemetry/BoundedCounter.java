package io.culvert.agent.telemetry;

import io.prometheus.metrics.core.metrics.Counter;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A counter whose label values come from the mesh.
 *
 * <p>Runs on: any. Bounds: {@link #SERIES_MAX}; whatever comes then is counted with all labels unknown.
 */
final class BoundedCounter {
    static final int SERIES_MAX = 2_000;
    private static final String UNKNOWN = "unknown";

    private final Counter counter;
    private final Set<List<String>> known = ConcurrentHashMap.newKeySet();

    BoundedCounter(Counter counter) {
        this.counter = counter;
    }

    void inc(String... values) {
        List<String> series = List.of(values);
        boolean room = known.contains(series) || known.size() < SERIES_MAX && known.add(series);
        if (!room && !known.contains(series)) {
            Arrays.fill(values, UNKNOWN);
        }
        counter.labelValues(values).inc();
    }
}
