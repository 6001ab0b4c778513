package io.culvert.agent.mesh;

import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where the latest snapshot of the mesh is published.
 *
 * <p>Runs on: {@link #current}, {@link #listen} and {@link #onNextPublish} on any thread; {@link #publish} on one control
 * thread at a time, on which whoever registered is told. Bounds: whoever registers bounds how often; each registration is
 * given back by closing it.
 */
public final class MeshStore {
    /** A registration; closing it once it has ended does nothing. */
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /** An identity of its own, so that the same action may be registered twice. */
    private record Listener(Consumer<MeshSnapshot> action, Object token) {}

    private final AtomicBoolean publishing = new AtomicBoolean();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    /** In the order in which they came, so that a run can be repeated. */
    private final NavigableMap<Long, Runnable> waiters = new ConcurrentSkipListMap<>();

    private final AtomicLong waitersSoFar = new AtomicLong();
    private volatile MeshSnapshot current;

    public MeshStore(MeshSnapshot initial) {
        this.current = initial;
    }

    public MeshSnapshot current() {
        return current;
    }

    /**
     * Makes a snapshot the current one, then tells everybody registered. A snapshot that was not built from the current one
     * gets a version that follows the current one's.
     *
     * <p>Errors: everybody is told even when somebody throws; the first exception is thrown afterwards. {@link
     * IllegalStateException} when another publication is under way.
     */
    public void publish(MeshSnapshot next) {
        if (!publishing.compareAndSet(false, true)) {
            throw new IllegalStateException("there is one writer, and it is publishing");
        }
        try {
            long version = current.version();
            MeshSnapshot published = next.version() > version ? next : next.withVersion(version + 1);
            current = published;
            tell(published);
        } finally {
            publishing.set(false);
        }
    }

    /** Has every later snapshot handed over, on the writer's thread. */
    public Registration listen(Consumer<MeshSnapshot> action) {
        Listener listener = new Listener(action, new Object());
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /**
     * Has an action run once, on the writer's thread, after the next publication. Register first and look at {@link #current}
     * again afterwards: then nothing is missed.
     */
    public Registration onNextPublish(Runnable action) {
        Long number = waitersSoFar.getAndIncrement();
        waiters.put(number, action);
        return () -> waiters.remove(number);
    }

    private void tell(MeshSnapshot published) {
        RuntimeException first = null;
        for (Long number : List.copyOf(waiters.keySet())) {
            Runnable waiter = waiters.remove(number);
            if (waiter != null) {
                first = attempt(waiter, first);
            }
        }
        for (Listener listener : listeners) {
            first = attempt(() -> listener.action.accept(published), first);
        }
        if (first != null) {
            throw first;
        }
    }

    private static @Nullable RuntimeException attempt(Runnable action, @Nullable RuntimeException before) {
        try {
            action.run();
            return before;
        } catch (RuntimeException e) {
            if (before == null) {
                return e;
            }
            before.addSuppressed(e);
            return before;
        }
    }
}
