package io.culvert.agent;

import io.culvert.agent.dns.DnsProxy;
import io.culvert.agent.dns.DnsWorld;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.PodProxy;
import io.culvert.agent.proxy.ProxyHost;
import io.culvert.agent.proxy.ProxyWorld;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A pod's proxy and its DNS proxy, which begin and end together.
 *
 * <p>Runs on: any. Owns: both.
 */
final class PodServing implements ServingProxy {
    private final ServingProxy proxy;
    private final ServingProxy dns;

    private PodServing(ServingProxy proxy, ServingProxy dns) {
        this.proxy = proxy;
        this.dns = dns;
    }

    /**
     * Starts both, or neither.
     *
     * @param netns owned by the result, or closed when this fails
     */
    static PodServing start(ProxyHost host, ProxyWorld world, DnsWorld dnsWorld, PodIdentity identity, PodNetns netns)
            throws ShimException {
        DnsProxy dns;
        try {
            dns = DnsProxy.start(host, dnsWorld, identity, netns.another());
        } catch (ShimException e) {
            netns.close();
            throw e;
        }
        try {
            return new PodServing(PodProxy.start(host, world, identity, netns, dns::names), dns);
        } catch (ShimException | RuntimeException e) {
            dns.close(CloseReason.POD_REMOVED).join();
            throw e;
        }
    }

    @Override
    public PodNetns netns() {
        return proxy.netns();
    }

    @Override
    public CompletableFuture<List<ConnectionView>> views() {
        return proxy.views();
    }

    @Override
    public void drain(Runnable emptied) {
        CompletableFuture<Void> connections = new CompletableFuture<>();
        CompletableFuture<Void> queries = new CompletableFuture<>();
        proxy.drain(() -> connections.complete(null));
        dns.drain(() -> queries.complete(null));
        CompletableFuture<Void> _ = connections.runAfterBoth(queries, emptied);
    }

    @Override
    public CompletableFuture<Void> close(CloseReason reason) {
        return CompletableFuture.allOf(dns.close(reason), proxy.close(reason));
    }
}
