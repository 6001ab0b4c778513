package io.culvert.agent.proxy;

import io.culvert.agent.base.LoopGroup;
import io.culvert.shim.SocketFactory;
import java.util.concurrent.CompletableFuture;

/**
 * What the proxies of all pods run on.
 *
 * @param loops the data path's loops
 * @param sockets opens sockets in the pods' namespaces
 * @param serving done once what comes to those sockets may be taken; until then it waits in the kernel
 */
public record ProxyHost(LoopGroup loops, SocketFactory sockets, CompletableFuture<Void> serving) {
    /** Begins to take what comes, at once or when that may be. */
    public void whenServing(Runnable begin) {
        CompletableFuture<Void> _ = serving.thenRun(begin);
    }
}
