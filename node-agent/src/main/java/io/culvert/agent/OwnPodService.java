package io.culvert.agent;

import io.culvert.agent.base.Drain;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.PodProxy;
import io.culvert.agent.proxy.ProxyHost;
import io.culvert.agent.proxy.ProxyWorld;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Makes the agent's own pod a workload of the mesh like any other: tunnels to it are accepted under its identity and judged by its
 * policies, and lead to whatever listens in it, metrics and readiness above all.
 *
 * <p>Runs on: any. Owns: the listener and what it accepted, until it is drained.
 */
final class OwnPodService implements Drain.Participant {
    private static final System.Logger LOG = System.getLogger(OwnPodService.class.getName());

    private final PodProxy proxy;
    private Drain.@Nullable Token token;

    private OwnPodService(PodProxy proxy) {
        this.proxy = proxy;
    }

    /** Starts to accept, until the drain. */
    static void start(ProxyHost host, ProxyWorld world, NodeConfig.PodNames pod, Drain drain) throws ShimException {
        PodIdentity identity = new PodIdentity("own", pod.name(), pod.namespace(), pod.serviceAccount());
        OwnPodService service = new OwnPodService(PodProxy.startOwn(host, world, identity, PodNetns.current()));
        service.token = drain.join("the agent's own pod", service);
    }

    @Override
    public void drainStarted(Duration deadline) {
        CompletableFuture<Void> emptied = new CompletableFuture<>();
        proxy.drain(() -> emptied.complete(null));
        released(emptied.thenCompose(_ -> proxy.close(CloseReason.DRAINED)));
    }

    @Override
    public void drainForced() {
        released(proxy.close(CloseReason.DRAIN_DEADLINE));
    }

    private void released(CompletableFuture<Void> closing) {
        CompletableFuture<Void> done = closing.whenComplete((_, _) -> {
            Drain.Token held = token;
            if (held != null) {
                held.release();
            }
        });
        LOG.log(System.Logger.Level.DEBUG, () -> "tunnels to the agent's own pod end: " + done);
    }
}
