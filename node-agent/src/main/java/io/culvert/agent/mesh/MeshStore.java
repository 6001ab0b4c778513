package io.culvert.agent.mesh;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
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

    private record Waiter(Runnable action, Object token) {}

    private final AtomicBoolean publishing = new AtomicBoolean();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final Set<Waiter> waiters = ConcurrentHashMap.newKeySet();
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
        Waiter waiter = new Waiter(action, new Object());
        waiters.add(waiter);
        return () -> waiters.remove(waiter);
    }

    private void tell(MeshSnapshot published) {
        RuntimeException first = null;
        for (Waiter waiter : List.copyOf(waiters)) {
            if (waiters.remove(waiter)) {
                first = attempt(waiter.action, first);
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
