package io.culvert.agent.zds;

import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.shim.FdChannel;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Hands the pods of this node to whichever proxies connect. While one proxy takes over from another, both are connected: new pods
 * go to the newest alone, and both hear of those that are gone.
 *
 * <p>Runs on: any; a control thread accepts, and each proxy has one. Owns: the socket, the connections, and the handles to the
 * pods' namespaces.
 *
 * <p>Bounds: {@link #PROXIES_MAX} connections, five new ones a second.
 */
public final class ZdsServer implements AutoCloseable {
    static final int PROXIES_MAX = 16;
    private static final System.Logger LOG = System.getLogger(ZdsServer.class.getName());

    /**
     * How often it does what it does again and again.
     *
     * @param acceptPause between connections that are accepted
     * @param probeEvery between looks after a silent proxy
     */
    public record Cadence(Duration acceptPause, Duration probeEvery) {
        public static final Cadence DEFAULT = new Cadence(Duration.ofMillis(200), Duration.ofSeconds(5));
    }

    private final FdChannel listener;
    private final Cadence cadence;
    private final LivingPods pods = new LivingPods();
    private final CountDownLatch closed = new CountDownLatch(1);
    /** Guards the connections, and the order of changes to the pods and what proxies are told of them. */
    private final Object order = new Object();

    private final List<ProxyConnection> proxies = new ArrayList<>();

    private ZdsServer(FdChannel listener, Cadence cadence) {
        this.listener = listener;
        this.cadence = cadence;
    }

    /** Listens at a path, for this user only; a socket file that nobody serves any more is replaced. */
    public static ZdsServer listen(Path socket, Cadence cadence) throws ShimException {
        ZdsServer server = new ZdsServer(FdChannel.listen(socket), cadence);
        // Not virtual: it waits in the kernel.
        Thread.ofPlatform().daemon().name("ctl-zds-accept").start(server::acceptAll);
        return server;
    }

    private void acceptAll() {
        try {
            do {
                accept();
            } while (!closed.await(cadence.acceptPause().toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void accept() {
        try {
            serve(listener.accept(null));
        } catch (ShimException e) {
            if (closed.getCount() > 0) {
                // Such as too many descriptors, which passes.
                LOG.log(System.Logger.Level.WARNING, () -> "a proxy could not connect: " + e.getMessage());
            }
        }
    }

    private void serve(FdChannel channel) {
        synchronized (order) {
            if (closed.getCount() == 0 || proxies.size() >= PROXIES_MAX) {
                channel.close();
                return;
            }
            ProxyConnection[] self = new ProxyConnection[1];
            ProxyConnection connection =
                    new ProxyConnection(channel, pods, pods.uids(), cadence.probeEvery(), () -> forget(self[0]));
            self[0] = connection;
            proxies.add(connection);
            Thread.ofPlatform().daemon().name("ctl-zds-proxy").start(connection);
        }
    }

    private void forget(@Nullable ProxyConnection connection) {
        synchronized (order) {
            proxies.remove(connection);
        }
    }

    /**
     * Hands over a pod.
     *
     * @param netns owned by this from now on
     */
    public CompletableFuture<HandOver> add(PodUid uid, WorkloadInfo info, PodNetns netns) {
        synchronized (order) {
            pods.put(uid, info, netns);
            return proxies.isEmpty()
                    ? CompletableFuture.completedFuture(new HandOver.NobodyTold("no proxy is connected"))
                    : proxies.getLast().tell(uid, true);
        }
    }

    /** Notes a pod that lives and may be served already, but whose namespace is not at hand: proxies that have it keep it. */
    public void keep(PodUid uid, WorkloadInfo info) {
        synchronized (order) {
            pods.put(uid, info, null);
        }
    }

    /** Takes back a pod that is gone; completes once every proxy was told. */
    public CompletableFuture<Void> remove(PodUid uid) {
        synchronized (order) {
            pods.remove(uid);
            return CompletableFuture.allOf(
                    proxies.stream().map(proxy -> proxy.tell(uid, false)).toArray(CompletableFuture[]::new));
        }
    }

    /** How many proxies are connected. */
    public int proxies() {
        synchronized (order) {
            return proxies.size();
        }
    }

    /** Ends all connections; the proxies serve their pods as they are. */
    @Override
    public void close() {
        List<ProxyConnection> open;
        synchronized (order) {
            closed.countDown();
            open = List.copyOf(proxies);
        }
        listener.close();
        open.forEach(ProxyConnection::close);
        pods.close();
    }
}
