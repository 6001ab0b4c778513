package io.culvert.agent.xds;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Who waits for which resource, by the name it was asked for.
 *
 * <p>Runs on: one control thread.
 */
final class Demands {
    private final Map<String, List<CompletableFuture<Boolean>>> waiting = new HashMap<>();
    private final Set<String> answered = new HashSet<>();

    void add(String name, CompletableFuture<Boolean> waiter) {
        waiting.computeIfAbsent(name, each -> new ArrayList<>(1)).add(waiter);
    }

    /** Forgets who waits for a name no more: their patience is over, or they were told. */
    void forgetTold(String name) {
        List<CompletableFuture<Boolean>> all = waiting.get(name);
        if (all != null && all.removeIf(CompletableFuture::isDone) && all.isEmpty()) {
            waiting.remove(name);
        }
    }

    /** A resource of this name, or with it as an alias, came or went; who waits is told with the next publication. */
    void answered(String name) {
        if (waiting.containsKey(name)) {
            answered.add(name);
        }
    }

    boolean anyAnswered() {
        return !answered.isEmpty();
    }

    /** What was answered is published. */
    void tell() {
        for (String name : answered) {
            List<CompletableFuture<Boolean>> all = waiting.remove(name);
            if (all != null) {
                all.forEach(waiter -> waiter.complete(true));
            }
        }
        answered.clear();
    }
}
