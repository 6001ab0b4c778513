package io.culvert.agent.proxy;

import io.culvert.agent.telemetry.CloseReason;
import io.culvert.shim.PodNetns;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A pod's proxy as those see it who start and end it.
 *
 * <p>Runs on: any.
 */
public interface ServingProxy {
    /** The namespace that it serves; closed once {@link #close} is through. */
    PodNetns netns();

    /** What is open, as of now. */
    CompletableFuture<List<ConnectionView>> views();

    /** Stops accepting; what is open goes on. The task runs once nothing is open, on some loop. */
    void drain(Runnable emptied);

    /** Ends everything at once. */
    CompletableFuture<Void> close(CloseReason reason);
}
