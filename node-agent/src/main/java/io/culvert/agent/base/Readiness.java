package io.culvert.agent.base;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the agent still has to finish before it may be called ready.
 *
 * <p>Runs on: any.
 */
public final class Readiness {
    private final Set<String> pending = Collections.synchronizedSet(new HashSet<>());

    /** Adds a task; the agent is not ready until the returned action has run. Running it again does nothing. */
    public Runnable begin(String task) {
        boolean added = pending.add(task);
        Invariant.check(added, "a readiness task has its name to itself");
        return () -> pending.remove(task);
    }

    /** Adds a task that may become unfinished again; the agent is not ready until the gate is open. */
    public Gate gate(String task) {
        boolean added = pending.add(task);
        Invariant.check(added, "a readiness task has its name to itself");
        return new Gate(task);
    }

    /** A task that is finished while it is open. Runs on: any. */
    public final class Gate {
        private final String task;

        private Gate(String task) {
            this.task = task;
        }

        public void open() {
            pending.remove(task);
        }

        public void shut() {
            pending.add(task);
        }
    }

    public boolean isReady() {
        return pending.isEmpty();
    }

    /** The unfinished tasks, sorted. */
    public List<String> pending() {
        List<String> names;
        synchronized (pending) {
            names = new ArrayList<>(pending);
        }
        Collections.sort(names);
        return List.copyOf(names);
    }
}
