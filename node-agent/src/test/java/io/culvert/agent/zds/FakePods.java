package io.culvert.agent.zds;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Drain;
import io.culvert.agent.base.Readiness;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.pods.Capture;
import io.culvert.agent.pods.LocalPods;
import io.culvert.agent.pods.ServedPod;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.shim.Errno;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The pods of a node with proxies that only note what is asked of them. */
final class FakePods implements AutoCloseable {
    final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
    /** Pods whose proxies cannot start. */
    final Set<String> failing = ConcurrentHashMap.newKeySet();

    final Readiness readiness = new Readiness();
    private final Drain drain = new Drain((delay, action) -> {});
    final LocalPods pods = new LocalPods(
            this::startProxy,
            new Metrics("", BuildVersion.current()),
            each -> {},
            Capture.NONE,
            readiness,
            Ticker.SYSTEM);

    FakePods() {
        pods.start(drain);
    }

    private ServingProxy startProxy(PodIdentity pod, PodNetns netns) throws ShimException {
        if (failing.contains(pod.name())) {
            netns.close();
            throw new ShimException("listen", Errno.EADDRINUSE);
        }
        events.add("start " + pod.name());
        return new Noted(pod.name(), netns);
    }

    private final class Noted implements ServingProxy {
        private final String name;
        private final PodNetns netns;

        private Noted(String name, PodNetns netns) {
            this.name = name;
            this.netns = netns;
        }

        @Override
        public PodNetns netns() {
            return netns;
        }

        @Override
        public CompletableFuture<List<ConnectionView>> views() {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public void drain(Runnable emptied) {
            emptied.run();
        }

        @Override
        public CompletableFuture<Void> close(CloseReason reason) {
            events.add("close " + name);
            netns.close();
            return CompletableFuture.completedFuture(null);
        }
    }

    String next() throws InterruptedException {
        return String.valueOf(events.poll(20, TimeUnit.SECONDS));
    }

    /** The names of the pods that are served. */
    List<String> served() {
        return pods.served().stream()
                .filter(pod -> pod.problem().isEmpty())
                .map(ServedPod::wanted)
                .map(wanted -> wanted.identity().name())
                .sorted()
                .toList();
    }

    /** Ends the proxies and lets go of all handles. */
    @Override
    public void close() {
        drain.start(Duration.ofSeconds(10));
        drain.done().orTimeout(20, TimeUnit.SECONDS).join();
    }
}
