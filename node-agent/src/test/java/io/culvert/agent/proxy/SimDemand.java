package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshDemand;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Notes what is asked for; answers when the test says so. */
final class SimDemand implements MeshDemand {
    private final Map<String, List<Runnable>> asked = new LinkedHashMap<>();
    private final Set<String> absent = new HashSet<>();

    @Override
    public boolean isActive() {
        return true;
    }

    @Override
    public boolean isAbsent(String name) {
        return absent.contains(name);
    }

    @Override
    public Runnable ask(String name, Runnable then) {
        List<Runnable> all = asked.computeIfAbsent(name, each -> new ArrayList<>());
        all.add(then);
        return () -> all.remove(then);
    }

    /** What anybody asked for. */
    List<String> asked() {
        return List.copyOf(asked.keySet());
    }

    /** Who still waits. */
    int waiting() {
        return asked.values().stream().mapToInt(List::size).sum();
    }

    void answer(String name) {
        List<Runnable> all = asked.getOrDefault(name, new ArrayList<>());
        List<Runnable> told = List.copyOf(all);
        all.clear();
        told.forEach(Runnable::run);
    }

    void absent(String name) {
        absent.add(name);
        answer(name);
    }
}
