package io.culvert.agent.proxy;

import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.telemetry.CloseReason;
import org.jspecify.annotations.Nullable;

/**
 * Something of a pod that is open: a connection, or a tunnel that a peer opened.
 *
 * <p>Runs on: its loop.
 */
interface OpenConnection {
    /** What is counted apart, each kind up to a limit of its own. */
    enum Place {
        /** A connection that an application of the pod opened. */
        OUTBOUND,
        /** A connection to the pod, of a peer's tunnel. */
        STREAM,
        /** A connection to the pod, from outside the mesh. */
        PLAINTEXT,
        /** A tunnel to the pod that carries no connection: not yet, or not any more. */
        TUNNEL,
        /** A tunnel to the pod that carries connections; as there are no more of these than connections, they bound it. */
        CARRYING_TUNNEL
    }

    /** The kind that it is one of. */
    Place place();

    /** Runs one of its steps; a fault of ours in it ends this connection and no other. */
    default void attempt(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            System.getLogger(OpenConnection.class.getName())
                    .log(System.Logger.Level.ERROR, "a connection was given up because of a fault in the agent", e);
            close(CloseReason.BUG, e.toString());
        }
    }

    /** Judges it again by what is in force now, and closes it when it would not be allowed any more. */
    void recheck(MeshSnapshot snapshot);

    /** The tunnel that it is; null for a connection, and while a tunnel's certificate is awaited. */
    default @Nullable Tunnel tunnel() {
        return null;
    }

    /** The agent is about to stop: takes nothing new, lets what is open end by itself. */
    void drain();

    /** Ends it at once; only the first call has an effect. */
    void close(CloseReason reason, @Nullable String detail);

    /** How it is shown in dumps; null for what is no connection of its own. */
    @Nullable
    ConnectionView view();
}
