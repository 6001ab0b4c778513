package io.culvert.agent.pods;

import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where a pod's network namespace comes from. */
public sealed interface PodNamespace extends AutoCloseable {
    /**
     * A file that stands for it. The pod is captured and released by us.
     *
     * @param path may not exist yet, and may come to stand for another namespace
     */
    record Mounted(Path path) implements PodNamespace {
        @Override
        public @Nullable PodNetns open() throws ShimException {
            return Files.exists(path) ? PodNetns.open(path) : null;
        }

        @Override
        public boolean is(PodNetns other) throws ShimException {
            if (Files.notExists(path)) {
                return false;
            }
            try (PodNetns now = PodNetns.open(path)) {
                return now.sameNamespaceAs(other);
            }
        }

        @Override
        public void close() {}

        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * An open handle, given to us. Who gave it captures the pod and releases it.
     *
     * @param handle owned by this
     */
    record Handed(PodNetns handle) implements PodNamespace {
        @Override
        public PodNetns open() throws ShimException {
            return handle.another();
        }

        @Override
        public boolean is(PodNetns other) {
            return handle.sameNamespaceAs(other);
        }

        @Override
        public void close() {
            handle.close();
        }

        @Override
        public String toString() {
            return handle.toString();
        }
    }

    /** A handle of the caller's own; null while there is no such namespace. */
    @Nullable
    PodNetns open() throws ShimException;

    /**
     * Whether a handle is to this namespace, as it is now; false when there is none.
     *
     * <p>Errors: {@link ShimException} when it cannot be told.
     */
    boolean is(PodNetns other) throws ShimException;

    /** Lets go of what it owns. */
    @Override
    void close();
}
