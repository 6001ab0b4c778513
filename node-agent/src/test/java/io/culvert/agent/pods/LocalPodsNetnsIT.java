package io.culvert.agent.pods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Drain;
import io.culvert.agent.base.Readiness;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CaClient;
import io.culvert.agent.certs.CallGate;
import io.culvert.agent.certs.CertificateKeeper;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.NetnsLab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The pods of a node with proxies and rules that only note what is asked of them, in namespaces that are real. */
@Timeout(60)
class LocalPodsNetnsIT {
    private static final List<String> PODS = List.of("a", "b", "c", "late");
    private static NetnsLab lab;

    private final LogCapture log = LogCapture.of(LocalPods.class.getName(), (message, fields) -> {});
    private final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final Set<String> failing = ConcurrentHashMap.newKeySet();
    private final Map<String, Noted> proxies = new ConcurrentHashMap<>();
    private final Map<String, SpiffeId> identities = new ConcurrentHashMap<>();
    private final Readiness readiness = new Readiness();
    private final AtomicLong nanos = new AtomicLong();
    /** Namespaces whose rules somebody damaged, and those that somebody released. */
    private final Set<Path> damaged = ConcurrentHashMap.newKeySet();

    /** Whether a namespace's rules can be watched, and those in which something changed. */
    private volatile boolean watched;

    private final Set<String> changed = ConcurrentHashMap.newKeySet();

    /** Where namespaces with rules are mounted, by inode. */
    private final Map<Long, Path> captured = new ConcurrentHashMap<>();

    private final List<Path> abandoned = new CopyOnWriteArrayList<>();
    private final Set<Long> forgotten = ConcurrentHashMap.newKeySet();
    private final List<Runnable> alarms = new ArrayList<>();
    private final Drain drain = new Drain((delay, action) -> alarms.add(action));
    private final CertificateStore certificates = new CertificateStore(new CertificateKeeper.Surroundings(
            (id, csr, lifetime) -> {
                throw new CaClient.IssueException(
                        CaClient.IssueException.Kind.UNREACHABLE, "certificates are not what this is about");
            },
            Duration.ofHours(1),
            InstantSource.system(),
            Ticker.SYSTEM,
            () -> 0,
            new CallGate(1),
            CrlStore.none(),
            TlsProfile.STANDARD));
    private final LinkedBlockingQueue<List<PodIdentity>> looks = new LinkedBlockingQueue<>();
    private final LocalPods pods = new LocalPods(
            this::startProxy,
            new Metrics("", BuildVersion.current()),
            this::looked,
            new Rules(),
            readiness,
            nanos::get);

    @TempDir
    private Path directory;

    @BeforeAll
    static void makeNamespaces() {
        NetnsLab.Builder namespaces = NetnsLab.builder().node("node");
        for (String name : PODS) {
            namespaces = namespaces.pod(name, "node");
        }
        lab = namespaces.build();
    }

    @AfterAll
    static void removeNamespaces() {
        lab.close();
    }

    @BeforeEach
    void start() {
        pods.start(drain);
    }

    @AfterEach
    void stop() throws IOException {
        drain.start(Duration.ZERO);
        for (String name : PODS) {
            Files.deleteIfExists(path(name));
        }
        certificates.close();
        log.close();
    }

    private final class Noted implements ServingProxy {
        private final String name;
        private final PodNetns netns;
        private @Nullable Runnable emptied;

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
        public void drain(Runnable done) {
            emptied = done;
            events.add("drain " + name);
        }

        @Override
        public CompletableFuture<Void> close(CloseReason reason) {
            events.add("close " + name + " " + reason);
            netns.close();
            if (failing.remove("close " + name)) {
                return CompletableFuture.failedFuture(new IllegalStateException("close"));
            }
            return CompletableFuture.completedFuture(null);
        }
    }

    private ServingProxy startProxy(PodIdentity pod, PodNetns netns) throws ShimException {
        if (failing.contains("always start " + pod.name())) {
            netns.close();
            throw new IllegalStateException("it never starts");
        }
        try {
            fail("start " + pod.name());
        } catch (IllegalStateException e) {
            netns.close();
            throw e;
        }
        Noted proxy = new Noted(pod.name(), netns);
        proxies.put(pod.name(), proxy);
        events.add("start " + pod.name());
        return proxy;
    }

    private void looked(List<PodIdentity> wanted) {
        looks.add(wanted);
        new UnusedIdentities(certificates, pod -> identities.get(pod.name())).accept(wanted);
    }

    /** A fault of ours, if the test wants one here. */
    private void fail(String step) {
        if (failing.remove(step)) {
            events.add("failed to " + step);
            throw new IllegalStateException(step);
        }
    }

    private final class Rules implements Capture {

        @Override
        public void begin(PodNetns netns, Path name) throws CaptureException {
            String pod = name.getFileName().toString();
            if (failing.remove("capture " + pod)) {
                events.add("failed to capture " + pod);
                throw new CaptureException("no rules today", new IOException());
            }
            captured.put(netns.inode(), name);
            events.add("capture " + pod);
        }

        @Override
        public boolean isForgotten(PodNetns netns) {
            return forgotten.contains(netns.inode());
        }

        @Override
        public void mend(PodNetns netns, Path name, Consumer<List<String>> onDamage) throws CaptureException {
            String pod = name.getFileName().toString();
            events.add("look at " + pod);
            if (damaged.contains(name) || forgotten.contains(netns.inode())) {
                onDamage.accept(List.of("a chain"));
                if (failing.remove("mend " + pod)) {
                    throw new CaptureException("no rules today", new IOException());
                }
                damaged.remove(name);
                forgotten.remove(netns.inode());
                events.add("mend " + pod);
            }
        }

        @Override
        public Watch watch(PodNetns netns) throws CaptureException {
            if (!watched) {
                throw new CaptureException("nobody tells", null);
            }
            String pod = podIn(netns.inode());
            events.add("watch " + pod);
            return new Watch() {
                @Override
                public boolean isTold() {
                    return true;
                }

                @Override
                public boolean noticed() {
                    return changed.remove(pod);
                }

                @Override
                public boolean compared() {
                    return false;
                }

                @Override
                public void close() {
                    events.add("watch " + pod + " no more");
                }
            };
        }

        @Override
        public boolean end(PodNetns netns) throws CaptureException {
            String pod = podIn(netns.inode());
            if (failing.remove("release " + pod)) {
                events.add("failed to release " + pod);
                throw new CaptureException("no rules today", new IOException());
            }
            captured.remove(netns.inode());
            events.add("release " + pod);
            return true;
        }

        @Override
        public boolean endAbandoned(PodNetns netns) throws CaptureException {
            abandoned.remove(lab.ns(podIn(netns.inode())).path());
            return end(netns);
        }

        @Override
        public Optional<List<Path>> captured() throws CaptureException {
            if (failing.remove("read what is captured")) {
                events.add("failed to read what is captured");
                throw new CaptureException("no ledger today", new IOException());
            }
            return Optional.of(captured.entrySet().stream()
                    .filter(entry -> leadsTo(entry.getValue(), entry.getKey()))
                    .map(Map.Entry::getValue)
                    .toList());
        }

        @Override
        public List<Path> abandoned() {
            return List.copyOf(abandoned);
        }
    }

    private static boolean leadsTo(Path name, long inode) {
        try (PodNetns netns = PodNetns.open(name)) {
            return netns.inode() == inode;
        } catch (ShimException e) {
            return false;
        }
    }

    private static String podIn(long inode) {
        return PODS.stream()
                .filter(pod -> leadsTo(lab.ns(pod).path(), inode))
                .findFirst()
                .orElseThrow();
    }

    private static long inode(String pod) throws ShimException {
        try (PodNetns netns = PodNetns.open(lab.ns(pod).path())) {
            return netns.inode();
        }
    }

    private void passSeconds(long seconds) {
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }

    private void assertNext(String... expected) throws InterruptedException {
        for (String event : expected) {
            assertEquals(event, events.poll(20, TimeUnit.SECONDS));
        }
    }

    private Path path(String pod) {
        return directory.resolve(pod);
    }

    private WantedPod pod(String name) throws IOException {
        if (!Files.exists(path(name))) {
            Path _ = Files.createSymbolicLink(path(name), lab.ns(name).path());
        }
        return absent(name);
    }

    /** A pod whose namespace does not exist yet. */
    private WantedPod absent(String name) {
        return new WantedPod(
                new PodIdentity("uid-" + name, name, "shop", "default"), new PodNamespace.Mounted(path(name)));
    }

    /** Has these pods served, where none was. */
    private void serve(String... names) throws Exception {
        List<WantedPod> wanted = new ArrayList<>();
        for (String name : names) {
            wanted.add(pod(name));
        }
        pods.want(wanted);
        for (String name : names) {
            assertNext("start " + name, "capture " + name);
        }
    }

    private Map<String, String> problems() {
        Map<String, String> problems = new HashMap<>();
        for (ServedPod pod : pods.served()) {
            problems.put(pod.wanted().identity().name(), pod.problem());
        }
        return problems;
    }

    @Test
    void startsTheProxyBeforeItCaptures() throws Exception {
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start a", "capture a", "start b", "capture b");
    }

    @Test
    void endsTheProxyBeforeItReleases() throws Exception {
        serve("a", "b");
        pods.want(List.of(pod("b")));
        assertNext("close a POD_REMOVED", "release a");
        pods.want(List.of());
        assertNext("close b POD_REMOVED", "release b");
    }

    @Test
    void leavesAServedPodAlone() throws Exception {
        serve("a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start b", "capture b");
    }

    @Test
    void capturesAgain_whatItCouldNot_withTheSameProxy() throws Exception {
        failing.add("capture a");
        pods.want(List.of(pod("a")));
        assertNext("start a", "failed to capture a", "capture a");
    }

    @Test
    void servesTheOthers_andTriesAgain_whenOneMeetsAFaultOfOurs() throws Exception {
        failing.add("start a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("failed to start a", "start b", "capture b", "start a", "capture a");
    }

    @Test
    void releasesAPod_whoseProxyDidNotEndAsItShould() throws Exception {
        serve("a", "b");
        failing.add("close a");
        pods.want(List.of(pod("b"), pod("c")));
        assertNext("close a POD_REMOVED", "release a", "start c", "capture c");
    }

    @Test
    void releasesAgain_whatItCouldNot() throws Exception {
        serve("a", "b");
        failing.add("release a");
        pods.want(List.of(pod("b")));
        assertNext("close a POD_REMOVED", "failed to release a", "release a");
    }

    @Test
    void releasesWhatAnAgentBeforeCaptured_whenItLeavesWithoutHavingBeenServed() throws Exception {
        captured.put(inode("a"), lab.ns("a").path());
        failing.add("always start a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start b", "capture b");
        pods.want(List.of(pod("b"), pod("c")));
        assertNext("start c", "capture c", "release a");
    }

    @Test
    void releasesWhatAnAgentBeforeCaptured_onceItCanBeRead() throws Exception {
        captured.put(inode("c"), lab.ns("c").path());
        failing.add("read what is captured");
        failing.add("release c");
        pods.want(List.of(pod("a")));
        assertNext("start a", "capture a", "failed to read what is captured", "failed to release c", "release c");
    }

    @Test
    void keepsTheRulesOfAPodThatMoves_untilItsNewNodeHasIt_orForAWhile() throws Exception {
        List<PodNamespace> elsewhere =
                List.of(new PodNamespace.Mounted(lab.ns("a").path()));
        serve("a");
        pods.want(List.of(), elsewhere);
        assertNext("close a POD_REMOVED");
        assertNull(events.poll(1_500, TimeUnit.MILLISECONDS));
        passSeconds(TimeUnit.NANOSECONDS.toSeconds(LeftPods.GRACE_NANOS));
        assertNext("release a");
        serve("a");
        pods.want(List.of(), elsewhere);
        assertNext("close a POD_REMOVED");
        captured.clear();
        passSeconds(TimeUnit.NANOSECONDS.toSeconds(LeftPods.GRACE_NANOS));
        assertNull(events.poll(1_500, TimeUnit.MILLISECONDS));
    }

    @Test
    void servesTheFirstOnly_ofTwoPodsInOneNamespace() throws Exception {
        Path _ = Files.createSymbolicLink(path("b"), lab.ns("a").path());
        pods.want(List.of(pod("a"), absent("b")));
        assertNext("start a", "capture a");
        Eventually.holds(
                "it is told why",
                Duration.ofSeconds(20),
                () -> problems().getOrDefault("b", "").contains("is that of pod shop/a"));
        assertFalse(readiness.isReady());
        pods.want(List.of(absent("b")));
        assertNext("close a POD_REMOVED", "start b", "capture b");
    }

    @Test
    void looksAtTheRulesOfEachPodInTurn_andMendsThem() throws Exception {
        serve("a", "b");
        passSeconds(5);
        assertNext("look at a");
        passSeconds(5);
        assertNext("look at b");
        damaged.add(path("a"));
        passSeconds(5);
        assertNext("look at a", "mend a");
        assertEquals(Map.of("a", "", "b", ""), problems());
        passSeconds(5);
        assertNext("look at b");
    }

    @Test
    void watchesTheRulesOfAPod_fromBeforeAnybodyHearsOfIt_untilItGoes() throws Exception {
        watched = true;
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start a", "capture a", "watch a", "start b", "capture b", "watch b");
        damaged.add(path("b"));
        changed.add("b");
        Eventually.holds("it is heard", Duration.ofSeconds(20), changed::isEmpty);
        assertNull(events.poll(600, TimeUnit.MILLISECONDS), "whoever changes them may not be done yet");
        nanos.addAndGet(WatchedPod.SETTLE_NANOS);
        assertNext("look at b", "mend b");
        pods.want(List.of(pod("a")));
        assertNext("watch b no more", "close b POD_REMOVED", "release b");
        drain.start(Duration.ZERO);
        Eventually.holds(
                "the last watch is closed", Duration.ofSeconds(20), () -> "watch a no more".equals(events.poll()));
    }

    @Test
    void showsWhatIsWrongWithRules_untilTheyAreWritten() throws Exception {
        serve("a");
        failing.add("mend a");
        failing.add("capture a");
        damaged.add(path("a"));
        passSeconds(5);
        assertNext("look at a");
        Eventually.holds(
                "the damage is told",
                Duration.ofSeconds(20),
                () -> problems().getOrDefault("a", "").contains("(a chain)"));
        assertNext("failed to capture a");
        Eventually.passes(
                "the reason is told",
                Duration.ofSeconds(20),
                () -> assertEquals("no rules today", problems().get("a")));
        assertNext("capture a");
        Eventually.passes(
                "it is over",
                Duration.ofSeconds(20),
                () -> assertEquals("", problems().get("a")));
    }

    @Test
    void mendsAtOnce_whatSomebodyElseReleased() throws Exception {
        serve("a", "b");
        forgotten.add(inode("b"));
        assertNext("look at b", "mend b");
    }

    @Test
    void releasesWhatOtherNodesLeftBehind_unlessItIsNamedStill() throws Exception {
        List.of("a", "b", "c").forEach(name -> abandoned.add(lab.ns(name).path()));
        pods.want(
                List.of(pod("a")), List.of(new PodNamespace.Mounted(lab.ns("b").path())));
        assertNext("start a", "capture a", "release c");
        pods.want(List.of());
        assertNext("close a POD_REMOVED", "release a");
    }

    @Test
    void keepsTheRulesOfAPod_thatIsSomebodyElseNow() throws Exception {
        serve("a", "b");
        WantedPod other = new WantedPod(
                new PodIdentity("uid-a", "a", "shop", "another-account"), new PodNamespace.Mounted(path("a")));
        pods.want(List.of(other, pod("b")));
        assertNext("close a POD_REMOVED", "start a", "capture a");
        WantedPod renamed =
                new WantedPod(new PodIdentity("uid-x", "x", "shop", "default"), new PodNamespace.Mounted(path("a")));
        pods.want(List.of(renamed, pod("b")));
        assertNext("close a POD_REMOVED", "start x", "capture a");
        pods.want(List.of(pod("b")));
        assertNext("close x POD_REMOVED", "release a");
    }

    @Test
    void keepsTheRulesWhereAPodWas_whenItsNameLeadsElsewhere() throws Exception {
        serve("a");
        Files.delete(path("a"));
        Path _ = Files.createSymbolicLink(path("a"), lab.ns("b").path());
        assertNext("close a POD_REMOVED", "start a", "capture a");
        Files.delete(path("a"));
        assertNext("close a POD_REMOVED");
        Path _ = Files.createSymbolicLink(path("a"), lab.ns("a").path());
        assertNext("start a", "capture a");
    }

    @Test
    void servesOn_whileANamespaceCannotBeLookedAt() throws Exception {
        serve("a", "b");
        Files.delete(path("a"));
        // There is something, but what it is cannot be told.
        Path _ = Files.createFile(path("a"));
        pods.want(List.of(pod("b"), absent("a"), pod("c")));
        assertNext("start c", "capture c");
        pods.want(List.of(pod("c"), absent("a")));
        assertNext("close b POD_REMOVED");
        assertNull(events.poll(1_500, TimeUnit.MILLISECONDS));
        Files.delete(path("a"));
        assertNext("close a POD_REMOVED", "release b");
    }

    @Test
    void forgetsIdentities_thatNoPodHasAnyMore() throws Exception {
        SpiffeId wrong = new SpiffeId(new TrustDomain("other.local"), "shop", "default");
        certificates.track(wrong);
        serve("a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start b", "capture b");
        assertEquals(1, certificates.statuses().size(), "until the mesh knows them, it may be theirs");
        identities.put("a", new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "default"));
        identities.put("b", new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "default"));
        pods.want(List.of(pod("a"), pod("b"), pod("c")));
        identities.put("c", new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "default"));
        assertNext("start c", "capture c");
        Eventually.holds(
                "forgotten",
                Duration.ofSeconds(20),
                () -> certificates.statuses().isEmpty());
    }

    @Test
    void waitsForANamespaceThatIsNotThereYet_andIsReadyMeanwhile() throws Exception {
        assertFalse(readiness.isReady());
        pods.want(List.of(absent("late"), pod("a")));
        assertNext("start a", "capture a");
        WantedPod late = pod("late");
        assertNext("start late", "capture late");
        pods.want(List.of(late));
        assertNext("close a POD_REMOVED", "release a");
        assertTrue(readiness.isReady());
    }

    @Test
    void isNotReady_whileAPodCannotBeServed() throws Exception {
        failing.add("capture a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start a", "failed to capture a");
        assertFalse(readiness.isReady());
        assertNext("start b", "capture b", "capture a");
        // The next look is after the one that made it ready.
        pods.want(List.of(pod("a"), pod("b"), pod("c")));
        assertNext("start c");
        assertTrue(readiness.isReady());
    }

    @Test
    void showsWhatIsWrong() throws Exception {
        pods.want(List.of(absent("late"), pod("a")));
        assertNext("start a", "capture a");
        pods.want(List.of(absent("late"), pod("a"), pod("b")));
        assertNext("start b");
        assertEquals("its network namespace does not exist yet", problems().get("late"));
        assertEquals("", problems().get("a"));
    }

    @Test
    void keepsTheRules_whenTheAgentDrains() throws Exception {
        serve("a");
        drain.start(Duration.ofSeconds(10));
        assertNext("drain a");
        assertEquals(List.of("pods"), drain.waitingFor());
        Objects.requireNonNull(Objects.requireNonNull(proxies.get("a")).emptied).run();
        assertEquals(Drain.Outcome.GRACEFUL, drain.done().get(20, TimeUnit.SECONDS));
        assertNext("close a DRAINED");
        assertTrue(events.isEmpty(), events::toString);
    }

    @Test
    void cutsWhatIsOpen_atTheDeadline_andKeepsTheRules() throws Exception {
        serve("a");
        pods.want(List.of(pod("a"), pod("b")));
        assertNext("start b", "capture b");
        drain.start(Duration.ofSeconds(10));
        Set<String> drained = new HashSet<>();
        drained.add(String.valueOf(events.poll(20, TimeUnit.SECONDS)));
        drained.add(String.valueOf(events.poll(20, TimeUnit.SECONDS)));
        assertEquals(Set.of("drain a", "drain b"), drained);
        alarms.getFirst().run();
        assertEquals(Drain.Outcome.FORCED, drain.done().get(20, TimeUnit.SECONDS));
        assertTrue(events.contains("close a DRAIN_DEADLINE"), events::toString);
        assertFalse(events.contains("release a") || events.contains("release b"), events::toString);
    }

    private static WantedPod handed(String name) throws ShimException {
        return handed(name, name, name);
    }

    private static WantedPod handed(String uid, String name, String namespace) throws ShimException {
        return new WantedPod(
                new PodIdentity("uid-" + uid, name, "shop", "default"),
                new PodNamespace.Handed(PodNetns.open(lab.ns(namespace).path())));
    }

    private String outcome(CompletableFuture<String> of) throws Exception {
        return of.get(20, TimeUnit.SECONDS);
    }

    @Test
    void servesPodsOneByOne_withoutRulesOfItsOwn() throws Exception {
        assertEquals("", outcome(pods.add(handed("a"))));
        assertEquals("", outcome(pods.add(handed("b"))));
        assertEquals("", outcome(pods.add(handed("a"))));
        assertNext("start a", "start b");
        assertFalse(readiness.isReady());
        assertEquals("", outcome(pods.allNamed()));
        assertTrue(readiness.isReady());
        assertEquals("", outcome(pods.remove("uid-a")));
        assertNext("close a POD_REMOVED");
        assertEquals("", outcome(pods.retain(Set.of("uid-b", "uid-nobody"))));
        assertEquals("", outcome(pods.retain(Set.of())));
        assertNext("close b POD_REMOVED");
        assertTrue(events.isEmpty(), events::toString);
    }

    @Test
    void isNotReady_whileNobodyNamesPods() throws Exception {
        assertEquals("", outcome(pods.add(handed("a"))));
        assertEquals("", outcome(pods.allNamed()));
        pods.namerLost();
        assertFalse(readiness.isReady());
        assertEquals("", outcome(pods.add(handed("b"))));
        assertFalse(readiness.isReady());
        assertEquals("", outcome(pods.allNamed()));
        assertTrue(readiness.isReady());
    }

    @Test
    void saysWhyAPodIsNotServed_andTriesAgain_unlessItIsNotWantedAnyMore() throws Exception {
        failing.add("start a");
        assertTrue(outcome(pods.add(handed("a"))).contains("start a"));
        assertNext("failed to start a", "start a");
        failing.add("start b");
        assertTrue(outcome(pods.add(handed("b"))).contains("start b"));
        assertEquals("", outcome(pods.removePending()));
        failing.add("start c");
        assertTrue(outcome(pods.add(handed("c"))).contains("start c"));
        assertEquals("", outcome(pods.removePending("uid-c")));
        assertEquals("", outcome(pods.removePending("uid-a")));
        assertNext("failed to start b", "failed to start c");
        assertEquals(Map.of("a", ""), problems());
        assertTrue(events.isEmpty(), events::toString);
    }

    @Test
    void replacesAPod_thatBecameAnother_orIsInAnotherNamespace() throws Exception {
        assertEquals("", outcome(pods.add(handed("a", "a", "a"))));
        assertEquals("", outcome(pods.add(handed("a", "a2", "a"))));
        assertNext("start a", "close a POD_REMOVED", "start a2");
        assertEquals("", outcome(pods.add(handed("a", "a2", "b"))));
        assertNext("close a2 POD_REMOVED", "start a2");
        assertEquals("", outcome(pods.add(handed("a", "a2", "b"))));
        assertTrue(events.isEmpty(), events::toString);
    }

    @Test
    void tellsWhichPodsAreWanted_afterEveryLook() throws Exception {
        assertEquals("", outcome(pods.add(handed("a"))));
        assertEquals(List.of(new PodIdentity("uid-a", "a", "shop", "default")), looks.poll(20, TimeUnit.SECONDS));
    }

    @Test
    void keepsNoHandle_onceItHasEnded() throws Exception {
        FdCensus before = FdCensus.ofSelf();
        assertEquals("", outcome(pods.add(handed("a"))));
        assertEquals("", outcome(pods.add(handed("a"))));
        assertEquals("", outcome(pods.remove("uid-a")));
        failing.add("start b");
        CompletableFuture<String> b = pods.add(handed("b"));
        assertTrue(outcome(b).contains("start b"));
        assertEquals("", outcome(pods.retain(Set.of())));
        Eventually.passes(
                "handles are closed",
                Duration.ofSeconds(20),
                () -> assertEquals(Map.of(), FdCensus.ofSelf().since(before)));
    }
}
