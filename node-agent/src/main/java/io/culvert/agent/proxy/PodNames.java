package io.culvert.agent.proxy;

import io.culvert.protocol.net.IpAddress;

/**
 * The names that a pod knows, for clients that leave it to us to resolve them: the mesh's first, then everybody's.
 *
 * <p>Runs on: its loop. Bounds: each name is resolved or given up within a time.
 */
@FunctionalInterface
public interface PodNames {
    /** Told once how it ended. */
    interface Listener {
        /** An address. */
        void onResolved(IpAddress ip);

        /** There is none. */
        void onUnresolved(String why);
    }

    /** Those of a pod without a DNS proxy. */
    PodNames NONE = (hostname, v4, listener) -> {
        listener.onUnresolved("the pod has no DNS proxy to ask");
        return () -> {};
    };

    /**
     * Finds an address; the listener may be told before this returns.
     *
     * @param v4 the family that is wanted, and no other
     * @return ends the wish without a further word
     */
    Runnable resolve(String hostname, boolean v4, Listener listener);
}
