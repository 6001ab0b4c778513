package io.culvert.agent.pods;

import io.culvert.agent.base.Drain;
import io.culvert.agent.base.Readiness;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Serves the wanted pods of this node: a proxy first, then the redirect rules where they are ours to write, so that nothing is
 * captured that nobody serves; when a pod goes, its connections first, then the rules. What fails is tried again every second; a
 * namespace that appears, goes or is replaced is noticed as soon. Rules that somebody damages are written anew: see {@link RuleWatch}.
 *
 * <p>Pods are named either all at once, by {@link #want}, or one by one, by {@link #add}, {@link #remove} and {@link #retain},
 * whose futures complete once it is known what has become of them.
 *
 * <p>When the agent stops, rules stay in place: the pods' traffic then fails instead of leaving in plaintext.
 *
 * <p>Runs on: its own control thread; what is public on any. Owns: the pods' proxies, and the handles to the namespaces of wanted
 * pods. Bounds: {@link WantedPods#PODS_MAX}.
 */
public final class LocalPods implements Drain.Participant {
    private static final System.Logger LOG = System.getLogger(LocalPods.class.getName());
    private static final String NETNS_ABSENT = "its network namespace does not exist yet";
    /** What becomes of the pods is looked at every fourth time that it is heard whether somebody changes their rules. */
    private static final long HEAR_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private static final int HEARD_PER_LOOK = 4;

    /** Starts a pod's proxy, which owns the namespace's handle from then on, also when this fails. */
    @FunctionalInterface
    public interface Starter {
        ServingProxy start(PodIdentity pod, PodNetns netns) throws ShimException;
    }

    private final Starter starter;
    private final Metrics metrics;
    private final Consumer<List<PodIdentity>> onLook;
    private final Capture capture;
    private final LeftPods left;
    private final RuleWatch watch;
    private final Readiness.Gate ready;
    private final WantedPods wanted = new WantedPods();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Map<String, ServedPod> pods = new HashMap<>();
    private Drain.@Nullable Token drainToken;
    private volatile boolean allNamed;
    private volatile Map<String, ServedPod> shown = Map.of();

    /**
     * Nothing is wanted yet.
     *
     * @param onLook told after every look which pods are wanted, on the control thread
     */
    public LocalPods(
            Starter starter,
            Metrics metrics,
            Consumer<List<PodIdentity>> onLook,
            Capture capture,
            Readiness readiness,
            Ticker ticker) {
        this.starter = starter;
        this.metrics = metrics;
        this.onLook = onLook;
        this.capture = capture;
        this.left = new LeftPods(capture, ticker);
        this.watch = new RuleWatch(capture, metrics, ticker);
        this.ready = readiness.gate("workload proxy manager");
    }

    /** Starts to serve. */
    public void start(Drain drain) {
        drainToken = drain.join("pods", this);
        Thread.ofVirtual().name("ctl-pods").start(this::run);
    }

    /** Replaces what is wanted; each uid once. These are all the pods there are. */
    public void want(List<WantedPod> all) {
        want(all, List.of());
    }

    /** As {@link #want(List)}, and these are the namespaces of other nodes' pods, which nobody here releases. */
    public void want(List<WantedPod> all, List<PodNamespace> elsewhere) {
        allNamed = true;
        wanted.replace(all, elsewhere);
    }

    /**
     * Wants one more. One of the same uid and identity in the same namespace is that one already; in another namespace it takes
     * its place.
     *
     * @param pod its namespace's handle is owned by this from now on
     * @return completes with why it is not served yet, or with an empty text when it is; what is not served yet is tried again
     */
    public CompletableFuture<String> add(WantedPod pod) {
        return wanted.put(pod, other -> other.identity().equals(pod.identity()) && isSame(other, pod));
    }

    private static boolean isSame(WantedPod one, WantedPod other) {
        return one.netns() instanceof PodNamespace.Handed before
                        && other.netns() instanceof PodNamespace.Handed(PodNetns handle)
                ? before.is(handle)
                : one.netns().equals(other.netns());
    }

    /** Wants one no more; one that is not known is gone already. Completes once it is not served any more. */
    public CompletableFuture<String> remove(String uid) {
        return wanted.retain(other -> !other.equals(uid));
    }

    /** Wants these only, as far as they are known. Completes once the others are not served any more. */
    public CompletableFuture<String> retain(Set<String> uids) {
        return wanted.retain(uids::contains);
    }

    /** Wants a pod no more, if it could not be served so far. */
    public CompletableFuture<String> removePending(String uid) {
        return wanted.retain(other -> !other.equals(uid) || isServed(other));
    }

    /** Wants no more what could not be served so far. */
    public CompletableFuture<String> removePending() {
        return wanted.retain(this::isServed);
    }

    private boolean isServed(String uid) {
        ServedPod pod = shown.get(uid);
        return pod != null && pod.problem().isEmpty();
    }

    /** Every pod there is was named by {@link #add}: the agent is ready once all of them are served. Completes after a look. */
    public CompletableFuture<String> allNamed() {
        allNamed = true;
        return wanted.retain(uid -> true);
    }

    /** Whoever names the pods cannot be reached: what is served stays so, but the agent is not ready. */
    public void namerLost() {
        allNamed = false;
        ready.shut();
    }

    /** The pods as of the last look, by uid. */
    public List<ServedPod> served() {
        return List.copyOf(new TreeMap<>(shown).values());
    }

    private void run() {
        try {
            for (WantedPods.Look look = next(); look != null; look = next()) {
                attempt(look);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            watch.close();
            wanted.close();
            ended.countDown();
        }
    }

    private WantedPods.@Nullable Look next() throws InterruptedException {
        return wanted.next(HEAR_NANOS, HEARD_PER_LOOK, () -> watchRules(watch::hear));
    }

    /** A fault of ours must not end this thread in silence: the pods that come later would never be served. */
    private void attempt(WantedPods.Look look) {
        String problem = "";
        try {
            reconcile(look);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a look at the pods failed because of a fault in the agent", e);
            problem = e.toString();
        }
        look.unwanted().forEach(PodNamespace::close);
        for (WantedPods.Waiting waiting : look.waiting()) {
            ServedPod pod = pods.get(waiting.uid());
            waiting.outcome().complete(pod == null ? problem : pod.problem());
        }
        // After whoever waits was told: this takes its time.
        watchRules(() -> watch.look(pods.values()));
    }

    private void reconcile(WantedPods.Look look) {
        Map<String, WantedPod> target = look.target();
        for (ServedPod pod : List.copyOf(pods.values())) {
            if (!pod.wanted().equals(target.get(pod.wanted().uid())) || namespaceChanged(pod)) {
                remove(pod, look);
            }
        }
        for (WantedPod pod : target.values()) {
            ServedPod now = pods.get(pod.uid());
            if (now == null || now.proxy() == null || !now.problem().isEmpty()) {
                pods.put(pod.uid(), serve(pod, now));
            }
        }
        left.releaseAllBut(look);
        show();
        onLook.accept(target.values().stream().map(WantedPod::identity).toList());
    }

    private void show() {
        shown = Map.copyOf(pods);
        count();
    }

    private void watchRules(Supplier<List<ServedPod>> watching) {
        try {
            List<ServedPod> damaged = watching.get();
            damaged.forEach(pod -> pods.put(pod.wanted().uid(), pod));
            if (!damaged.isEmpty()) {
                show();
            }
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a look at the pods' rules failed because of a fault in the agent", e);
        }
    }

    private static boolean namespaceChanged(ServedPod pod) {
        ServingProxy proxy = pod.proxy();
        try {
            return proxy != null && !pod.wanted().netns().is(proxy.netns());
        } catch (ShimException e) {
            // That it cannot be told, for want of descriptors as the case may be, is no reason to end it.
            LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be looked at", e);
            return false;
        }
    }

    private ServedPod serve(WantedPod pod, @Nullable ServedPod before) {
        ServingProxy proxy = before == null ? null : before.proxy();
        try {
            if (proxy == null) {
                PodNetns netns = pod.netns().open();
                if (netns == null) {
                    return new ServedPod(pod, null, NETNS_ABSENT);
                }
                proxy = begin(pod, netns);
            }
            ServedPod served = new ServedPod(pod, proxy, "");
            if (pod.netns() instanceof PodNamespace.Mounted(Path path)) {
                capture.begin(proxy.netns(), path);
                boolean _ = watch.begin(served);
            }
            LOG.log(System.Logger.Level.INFO, () -> "serving pod " + pod.name() + " in " + pod.netns());
            return served;
        } catch (ShimException | Capture.CaptureException e) {
            return notServed(pod, before, proxy, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            // A fault of ours with one pod is not the others'.
            LOG.log(System.Logger.Level.ERROR, "a pod could not be served because of a fault in the agent", e);
            return notServed(pod, before, proxy, e.toString());
        }
    }

    private ServingProxy begin(WantedPod pod, PodNetns netns) throws ShimException, Capture.CaptureException {
        String occupant = pod.netns() instanceof PodNamespace.Mounted ? occupant(netns) : "";
        if (!occupant.isEmpty()) {
            netns.close();
            throw new Capture.CaptureException(
                    "its network namespace is that of pod " + occupant
                            + ", and two cannot share one; give each its own",
                    null);
        }
        ServingProxy proxy = starter.start(pod.identity(), netns);
        metrics.proxyStarted();
        return proxy;
    }

    /** Who is served there by another path, if anybody: connections would be the one's or the other's at random. */
    private String occupant(PodNetns netns) {
        return pods.values().stream()
                .filter(other -> other.proxy() != null && other.proxy().netns().sameNamespaceAs(netns))
                .map(other -> other.wanted().name())
                .findFirst()
                .orElse("");
    }

    private static ServedPod notServed(
            WantedPod pod, @Nullable ServedPod before, @Nullable ServingProxy proxy, String problem) {
        if (before == null || !before.problem().equals(problem)) {
            LOG.log(System.Logger.Level.ERROR, () -> "pod " + pod.name() + " is not served yet: " + problem);
        }
        return new ServedPod(pod, proxy, problem);
    }

    /**
     * Ends the proxy first: resets reach the applications only while the rules still translate addresses, and a connection
     * refused for a moment is better than one that hangs. The rules of a pod that is still wanted, as somebody else for
     * instance, stay: without them its traffic would be in plaintext and past every policy until it is served again.
     */
    private void remove(ServedPod pod, WantedPods.Look look) {
        pods.remove(pod.wanted().uid());
        watch.end(pod.wanted().uid());
        ServingProxy proxy = pod.proxy();
        if (proxy == null) {
            // An agent before this one may have captured it.
            left.lookAgain();
            return;
        }
        String name = pod.wanted().name();
        if (pod.wanted().netns() instanceof PodNamespace.Mounted) {
            closeAndRelease(pod.wanted(), proxy, look);
        } else {
            close(proxy, name);
        }
        metrics.proxyStopped();
        LOG.log(System.Logger.Level.INFO, () -> "no longer serving pod " + name);
    }

    private void closeAndRelease(WantedPod pod, ServingProxy proxy, WantedPods.Look look) {
        // The proxy lets go of its own hold on the namespace.
        try (PodNetns netns = proxy.netns().another()) {
            close(proxy, pod.name());
            left.release(pod, netns, look);
        } catch (ShimException e) {
            LOG.log(System.Logger.Level.DEBUG, "a pod's namespace could not be held", e);
            close(proxy, pod.name());
            left.lookAgain();
        }
    }

    private static void close(ServingProxy proxy, String name) {
        try {
            proxy.close(CloseReason.POD_REMOVED).join();
        } catch (CompletionException e) {
            // Its rules are taken out all the same: they would lead to nobody.
            LOG.log(System.Logger.Level.ERROR, "the proxy of pod " + name + " did not end as it should", e);
        }
    }

    private void count() {
        int pending = (int) pods.values().stream()
                .filter(pod -> !pod.problem().isEmpty() && !pod.problem().equals(NETNS_ABSENT))
                .count();
        int active = (int)
                pods.values().stream().filter(pod -> pod.problem().isEmpty()).count();
        metrics.proxies(active, pending);
        if (pending == 0 && allNamed) {
            ready.open();
            if (!allNamed) {
                // Whoever names the pods was lost in between.
                ready.shut();
            }
        }
    }

    @Override
    public void drainStarted(Duration deadline) {
        wanted.stop();
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
