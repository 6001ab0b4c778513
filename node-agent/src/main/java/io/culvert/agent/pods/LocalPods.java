package io.culvert.agent.pods;

import io.culvert.agent.base.Drain;
import io.culvert.agent.base.Readiness;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Serves the wanted pods of this node: a proxy first, then the redirect rules, so that nothing is captured that nobody
 * serves; when a pod goes, its connections first, then the rules. What fails is tried again every second; a namespace that appears, goes or
 * is replaced is noticed as soon.
 *
 * <p>When the agent stops, rules stay in place: the pods' traffic then fails instead of leaving in plaintext.
 *
 * <p>Runs on: its own control thread; {@link #want} and {@link #served} on any. Owns: the pods' proxies.
 */
public final class LocalPods implements Drain.Participant {
    private static final System.Logger LOG = System.getLogger(LocalPods.class.getName());
    private static final String NETNS_ABSENT = "its network namespace does not exist yet";
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Starts a pod's proxy, which owns the namespace's handle from then on, also when this fails. */
    @FunctionalInterface
    public interface Starter {
        ServingProxy start(PodIdentity pod, PodNetns netns) throws ShimException;
    }

    private final Starter starter;
    private final Function<PodIdentity, @Nullable SpiffeId> identities;
    private final Metrics metrics;
    private final CertificateStore certificates;
    private final Capture capture;
    private final Runnable becameReady;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Map<String, ServedPod> pods = new HashMap<>();
    /** Namespaces of pods that left, whose rules could not be taken out; complained of once each. */
    private final Set<Path> unreleased = new HashSet<>();

    private @Nullable Map<String, WantedPod> wanted;
    private boolean looked;
    private boolean leftReleased;
    private boolean stopping;
    private Drain.@Nullable Token drainToken;
    private volatile Map<String, ServedPod> shown = Map.of();

    /** @param identities under which identity a pod is served; null while the mesh does not know it */
    public LocalPods(
            Starter starter,
            Function<PodIdentity, @Nullable SpiffeId> identities,
            Metrics metrics,
            CertificateStore certificates,
            Capture capture,
            Readiness readiness) {
        this.starter = starter;
        this.identities = identities;
        this.metrics = metrics;
        this.certificates = certificates;
        this.capture = capture;
        this.becameReady = readiness.begin("workload proxy manager");
    }

    /** Starts to serve. */
    public void start(Drain drain) {
        drainToken = drain.join("pods", this);
        Thread.ofVirtual().name("ctl-pods").start(this::run);
    }

    /** Replaces what is wanted; each uid once. */
    public void want(List<WantedPod> all) {
        Map<String, WantedPod> byUid = new LinkedHashMap<>();
        all.forEach(pod -> byUid.put(pod.identity().uid(), pod));
        lock.lock();
        try {
            wanted = byUid;
            looked = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The pods as of the last look, by uid. */
    public List<ServedPod> served() {
        return List.copyOf(new TreeMap<>(shown).values());
    }

    private void run() {
        try {
            while (true) {
                Map<String, WantedPod> target = next();
                if (target == null) {
                    return;
                }
                attempt(target);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** What to work towards: at once when it changed, else after a while; null when it is over. */
    private @Nullable Map<String, WantedPod> next() throws InterruptedException {
        lock.lock();
        try {
            long left = LOOK_NANOS;
            while (!stopping && (looked || wanted == null) && left > 0) {
                left = changed.awaitNanos(left);
                if (wanted == null) {
                    left = LOOK_NANOS;
                }
            }
            looked = true;
            return stopping ? null : wanted;
        } finally {
            lock.unlock();
        }
    }

    /** A fault of ours must not end this thread in silence: the pods that come later would never be served. */
    private void attempt(Map<String, WantedPod> target) {
        try {
            reconcile(target);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a look at the pods failed because of a fault in the agent", e);
        }
    }

    private void reconcile(Map<String, WantedPod> target) {
        for (ServedPod pod : List.copyOf(pods.values())) {
            WantedPod still = target.get(pod.wanted().identity().uid());
            if (still == null || !still.equals(pod.wanted()) || namespaceChanged(pod)) {
                remove(pod, target);
            }
        }
        for (WantedPod pod : target.values()) {
            ServedPod now = pods.get(pod.identity().uid());
            if (now == null || now.proxy() == null || !now.problem().isEmpty()) {
                pods.put(pod.identity().uid(), serve(pod, now));
            }
        }
        if (!leftReleased) {
            leftReleased = releaseThoseThatLeft(target);
        }
        shown = Map.copyOf(pods);
        forgetUnusedIdentities(target);
        count();
    }

    private boolean namespaceChanged(ServedPod pod) {
        ServingProxy proxy = pod.proxy();
        if (proxy == null) {
            return false;
        }
        try {
            return Files.notExists(pod.wanted().netns())
                    || !is(proxy.netns(), pod.wanted().netns());
        } catch (ShimException e) {
            // That it cannot be told, for want of descriptors as the case may be, is no reason to end it.
            LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
            return false;
        }
    }

    private ServedPod serve(WantedPod pod, @Nullable ServedPod before) {
        ServingProxy proxy = before == null ? null : before.proxy();
        try {
            if (!Files.exists(pod.netns())) {
                return new ServedPod(pod, proxy, NETNS_ABSENT);
            }
            if (proxy == null) {
                proxy = starter.start(pod.identity(), PodNetns.open(pod.netns()));
                metrics.proxyStarted();
            }
            capture.begin(proxy.netns(), pod.netns());
            LOG.log(
                    System.Logger.Level.INFO,
                    () -> "serving pod " + pod.identity().namespace() + "/"
                            + pod.identity().name() + " in " + pod.netns());
            return new ServedPod(pod, proxy, "");
        } catch (ShimException | Capture.CaptureException e) {
            return notServed(pod, before, proxy, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            // A fault of ours with one pod is not the others'.
            LOG.log(System.Logger.Level.ERROR, "a pod could not be served because of a fault in the agent", e);
            return notServed(pod, before, proxy, e.toString());
        }
    }

    private static ServedPod notServed(
            WantedPod pod, @Nullable ServedPod before, @Nullable ServingProxy proxy, String problem) {
        if (before == null || !before.problem().equals(problem)) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    () -> "pod " + pod.identity().namespace() + "/"
                            + pod.identity().name() + " is not served yet: " + problem);
        }
        return new ServedPod(pod, proxy, problem);
    }

    /**
     * Ends the proxy first: resets reach the applications only while the rules still translate addresses, and a connection
     * refused for a moment is better than one that hangs. The rules of a pod that is still wanted, as somebody else for
     * instance, stay: without them its traffic would be in plaintext and past every policy until it is served again.
     */
    private void remove(ServedPod pod, Map<String, WantedPod> target) {
        pods.remove(pod.wanted().identity().uid());
        ServingProxy proxy = pod.proxy();
        if (proxy == null) {
            return;
        }
        String name = pod.wanted().identity().namespace() + "/"
                + pod.wanted().identity().name();
        // The proxy lets go of its own hold on the namespace.
        try (PodNetns netns = proxy.netns().another()) {
            close(proxy, name);
            if (!isWanted(netns, pod, target)) {
                capture.end(netns);
            }
        } catch (ShimException | Capture.CaptureException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "the rules of pod " + name + " could not be taken out: " + e.getMessage());
            close(proxy, name);
        }
        metrics.proxyStopped();
        LOG.log(System.Logger.Level.INFO, () -> "no longer serving pod " + name);
    }

    private static void close(ServingProxy proxy, String name) {
        try {
            proxy.close(CloseReason.POD_REMOVED).join();
        } catch (CompletionException e) {
            // Its rules are taken out all the same: they would lead to nobody.
            LOG.log(System.Logger.Level.ERROR, "the proxy of pod " + name + " did not end as it should", e);
        }
    }

    /** Takes the rules out of pods that left while no agent ran; whether that was all. */
    private boolean releaseThoseThatLeft(Map<String, WantedPod> target) {
        try {
            Optional<List<Path>> captured = capture.captured();
            boolean all = captured.isPresent();
            for (Path name : captured.orElse(List.of())) {
                all &= release(name, target);
            }
            return all;
        } catch (Capture.CaptureException e) {
            LOG.log(System.Logger.Level.WARNING, () -> "pods that left may still be captured: " + e.getMessage());
            return true;
        }
    }

    private boolean release(Path name, Map<String, WantedPod> target) {
        try (PodNetns netns = PodNetns.open(name)) {
            if (!isWanted(netns, null, target)) {
                capture.end(netns);
                LOG.log(
                        System.Logger.Level.INFO,
                        () -> "the pod in " + name + " left while no agent ran; it is released");
            }
            return true;
        } catch (ShimException | Capture.CaptureException e) {
            // It may have gone by itself, and its rules with it.
            boolean gone = Files.notExists(name);
            if (!gone && unreleased.add(name)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "the pod in " + name + " left while no agent ran, but its rules are still there: "
                                + e.getMessage());
            }
            return gone;
        }
    }

    /** Whether a wanted pod is in this namespace, or may be; one whose name leads elsewhere now, or nowhere, was. */
    private static boolean isWanted(PodNetns netns, @Nullable ServedPod was, Map<String, WantedPod> target) {
        if (was != null
                && was.wanted().equals(target.get(was.wanted().identity().uid()))) {
            return true;
        }
        for (WantedPod pod : target.values()) {
            try {
                if (Files.exists(pod.netns()) && is(netns, pod.netns())) {
                    return true;
                }
            } catch (ShimException e) {
                LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
                return true;
            }
        }
        return false;
    }

    private static boolean is(PodNetns netns, Path name) throws ShimException {
        try (PodNetns other = PodNetns.open(name)) {
            return netns.sameNamespaceAs(other);
        }
    }

    private void forgetUnusedIdentities(Map<String, WantedPod> target) {
        certificates.retain(id -> target.values().stream().anyMatch(pod -> isOf(id, pod)));
    }

    /** What the mesh knows of the pod decides; before it knows, any trust domain may turn out to be the pod's. */
    private boolean isOf(SpiffeId id, WantedPod pod) {
        SpiffeId known = identities.apply(pod.identity());
        return known != null
                ? known.equals(id)
                : pod.identity().namespace().equals(id.namespace())
                        && pod.identity().serviceAccount().equals(id.serviceAccount());
    }

    private void count() {
        int pending = (int) pods.values().stream()
                .filter(pod -> !pod.problem().isEmpty() && !pod.problem().equals(NETNS_ABSENT))
                .count();
        int active = (int)
                pods.values().stream().filter(pod -> pod.problem().isEmpty()).count();
        metrics.proxies(active, pending);
        if (pending == 0) {
            becameReady.run();
        }
    }

    private void stopLooking() {
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void drainStarted(Duration deadline) {
        stopLooking();
        Thread.ofVirtual().name("ctl-drain").start(this::drain);
    }

    private void drain() {
        awaitEnd();
        List<CompletableFuture<Void>> emptied = pods.values().stream()
                .map(ServedPod::proxy)
                .filter(proxy -> proxy != null)
                .map(proxy -> {
                    CompletableFuture<Void> done = new CompletableFuture<>();
                    proxy.drain(() -> done.complete(null));
                    return done.thenCompose(_ -> proxy.close(CloseReason.DRAINED));
                })
                .toList();
        CompletableFuture.allOf(emptied.toArray(CompletableFuture[]::new))
                .handle((_, failed) -> {
                    if (failed != null) {
                        // The deadline was first: the pods are being cut off, or their loops have ended already.
                        LOG.log(System.Logger.Level.DEBUG, "a pod's proxy was closed by the deadline", failed);
                    }
                    return true;
                })
                .join();
        release();
    }

    private void awaitEnd() {
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void release() {
        Drain.Token held = drainToken;
        if (held != null) {
            held.release();
        }
    }

    @Override
    public void drainForced() {
        CompletableFuture<?>[] closed = shown.values().stream()
                .map(ServedPod::proxy)
                .filter(proxy -> proxy != null)
                .map(proxy -> proxy.close(CloseReason.DRAIN_DEADLINE))
                .toArray(CompletableFuture[]::new);
        CompletableFuture<Void> all = CompletableFuture.allOf(closed).whenComplete((_, _) -> release());
        LOG.log(System.Logger.Level.DEBUG, () -> closed.length + " pods are being cut off: " + all);
    }
}
