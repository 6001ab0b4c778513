package io.culvert.agent.pods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.FakeTicker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose rules are looked at, when. */
class RuleWatchTest {
    private static final Duration HEARD_EVERY = Duration.ofMillis(250);

    private final FakeTicker ticker = new FakeTicker();
    private final List<String> looks = new ArrayList<>();
    private final Set<String> broken = new HashSet<>();
    /** Those whose rules somebody damages, until they are written. */
    private final Set<String> damaged = new HashSet<>();
    /** By pod, in the order of their beginning. */
    private final List<Bell> bells = new ArrayList<>();

    private final List<String> said = new ArrayList<>();
    private final LogCapture log = LogCapture.of(RuleWatch.class.getName(), (message, fields) -> said.add(message));
    private boolean forgotten;
    private boolean watchable;
    private boolean vain;
    private boolean told = true;
    private int comparisons;
    private final RuleWatch watch =
            new RuleWatch(new Looks(), new Metrics("", BuildVersion.current()), ticker::nanoTime);
    private final PodNetns own;

    RuleWatchTest() throws ShimException {
        own = PodNetns.current();
    }

    @AfterEach
    void close() {
        watch.close();
        own.close();
        log.close();
        assertTrue(bells.stream().allMatch(bell -> bell.closed), "each watch is closed");
    }

    /** One pod's watch, which rings when the test says so. */
    private final class Bell implements Capture.Watch {
        private boolean rings;
        private boolean jams;
        private boolean keepsRinging;
        private boolean other;
        private boolean closed;

        @Override
        public boolean isTold() {
            return told;
        }

        @Override
        public boolean noticed() throws Capture.CaptureException {
            assertFalse(closed);
            if (jams) {
                throw new Capture.CaptureException("it jams", null);
            }
            boolean rang = rings;
            rings = keepsRinging;
            return rang;
        }

        @Override
        public boolean compared() {
            assertFalse(closed);
            comparisons++;
            boolean is = other;
            other = false;
            return is;
        }

        @Override
        public void close() {
            assertFalse(closed, "closed once");
            closed = true;
        }
    }

    private final class Looks implements Capture {
        @Override
        public void begin(PodNetns netns, Path name) {
            throw new AssertionError("nobody asked for it");
        }

        @Override
        public boolean isForgotten(PodNetns netns) {
            return forgotten;
        }

        @Override
        public void mend(PodNetns netns, Path name, Consumer<List<String>> onDamage) throws CaptureException {
            looks.add(name.toString());
            if (broken.contains(name.toString())) {
                onDamage.accept(List.of("one", "two", "three", "four", "five", "six"));
                throw new CaptureException("not today", null);
            }
            if (damaged.contains(name.toString())) {
                onDamage.accept(List.of("one"));
                // Whoever writes is heard of as well.
                bells.forEach(bell -> {
                    bell.rings = true;
                    bell.other = true;
                });
                if (!vain) {
                    damaged.remove(name.toString());
                }
            }
        }

        @Override
        public Watch watch(PodNetns netns) throws CaptureException {
            if (!watchable) {
                throw new CaptureException("no bells today", null);
            }
            bells.add(new Bell());
            return bells.getLast();
        }

        @Override
        public boolean end(PodNetns netns) {
            throw new AssertionError("nobody asked for it");
        }

        @Override
        public boolean endAbandoned(PodNetns netns) {
            throw new AssertionError("nobody asked for it");
        }

        @Override
        public Optional<List<Path>> captured() {
            return Optional.empty();
        }

        @Override
        public List<Path> abandoned() {
            return List.of();
        }
    }

    private record Proxy(PodNetns netns) implements ServingProxy {
        @Override
        public CompletableFuture<List<ConnectionView>> views() {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public void drain(Runnable done) {
            done.run();
        }

        @Override
        public CompletableFuture<Void> close(CloseReason reason) {
            return CompletableFuture.completedFuture(null);
        }
    }

    private ServedPod pod(String name, String problem) {
        WantedPod wanted =
                new WantedPod(new PodIdentity(name, name, "shop", "default"), new PodNamespace.Mounted(Path.of(name)));
        return new ServedPod(wanted, new Proxy(own), problem);
    }

    private List<ServedPod> pods(int count) {
        List<ServedPod> pods = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pods.add(pod("pod-" + (1_000 + i), ""));
        }
        return pods;
    }

    /** One look a second. */
    private List<ServedPod> pass(int seconds, List<ServedPod> pods) {
        List<ServedPod> damaged = new ArrayList<>();
        for (int i = 0; i < seconds; i++) {
            ticker.advance(Duration.ofSeconds(1));
            int before = looks.size();
            damaged.addAll(watch.look(pods));
            assertTrue(looks.size() - before <= RuleWatch.PODS_PER_LOOK_MAX, "too many at a time");
        }
        return damaged;
    }

    @Test
    void everyPodHasItsTurnOnceAMinute_spreadOverIt() {
        List<ServedPod> pods = pods(120);
        assertEquals(List.of(), pass(5, pods));
        looks.clear();
        assertEquals(List.of(), pass(60, pods));
        Map<String, Integer> turns = new HashMap<>();
        looks.forEach(name -> turns.merge(name, 1, Integer::sum));
        assertEquals(120, turns.size());
        assertTrue(turns.values().stream().allMatch(count -> count == 1), turns::toString);
    }

    @Test
    void fewPodsHaveTheirTurnMoreOften() {
        assertEquals(List.of(), pass(20, pods(2)));
        assertEquals(List.of("pod-1000", "pod-1001", "pod-1000", "pod-1001"), looks);
    }

    @Test
    void tooManyPodsHaveTheirTurnLater_andWhatWasMissedIsNotMadeUpFor() {
        List<ServedPod> pods = pods(4_096);
        assertEquals(List.of(), pass(60, pods));
        assertEquals(1 + 55 * RuleWatch.PODS_PER_LOOK_MAX, looks.size(), "from the fifth second on");
        looks.clear();
        assertEquals(List.of(), pass(5, pods(0)));
        ticker.advance(Duration.ofHours(1));
        assertEquals(List.of(), pass(1, pods(12)));
        assertEquals(List.of(), pass(5, pods(12)));
        assertTrue(looks.size() <= 6, looks::toString);
    }

    @Test
    void podsThatAreNotServed_orHandedOver_areLeftAlone() throws ShimException {
        WantedPod handed =
                new WantedPod(new PodIdentity("x", "x", "shop", "default"), new PodNamespace.Handed(own.another()));
        List<ServedPod> pods = List.of(
                pod("a", "it has trouble"),
                new ServedPod(pod("b", "").wanted(), null, ""),
                new ServedPod(handed, new Proxy(own), ""));
        assertEquals(List.of(), pass(60, pods));
        assertEquals(List.of(), looks);
        handed.netns().close();
    }

    @Test
    void tellsWhatIsDamaged_andCannotBeWritten() {
        broken.add("pod-1001");
        List<ServedPod> damaged = pass(10, pods(2));
        assertEquals(
                List.of("pod-1001 its redirect rules are damaged (one; two; three; four; and 2 more)"
                        + " and cannot be written anew: not today"),
                damaged.stream()
                        .map(pod -> pod.wanted().uid() + " " + pod.problem())
                        .toList());
    }

    @Test
    void whatSomebodyReleased_isLookedAtAtOnce() {
        forgotten = true;
        assertEquals(List.of(), pass(1, pods(9)));
        assertEquals(RuleWatch.PODS_PER_LOOK_MAX, looks.size());
    }

    /** Served and watched. */
    private List<ServedPod> watched(int count) {
        watchable = true;
        List<ServedPod> pods = pods(count);
        pods.forEach(pod -> assertTrue(watch.begin(pod)));
        assertEquals(count, bells.size());
        return pods;
    }

    /** What is looked at while nothing but the bells is heard. */
    private List<String> heard(Duration time) {
        looks.clear();
        for (long i = 0; i < time.dividedBy(HEARD_EVERY); i++) {
            ticker.advance(HEARD_EVERY);
            int before = looks.size();
            assertEquals(List.of(), watch.hear());
            assertTrue(looks.size() - before <= RuleWatch.PODS_PER_LOOK_MAX, "too many at a time");
        }
        return List.copyOf(looks);
    }

    @Test
    void podsThatAreWatched_haveTheirTurnOnceAMinute() {
        List<ServedPod> pods = watched(2);
        assertEquals(List.of(), pass(4, pods));
        assertEquals(List.of(), looks);
        assertEquals(List.of(), pass(64, pods));
        assertEquals(List.of("pod-1000", "pod-1001", "pod-1000"), looks);
    }

    @Test
    void hundredsThatBecomeWatched_waitNoLongerThanAMinute() {
        assertEquals(List.of(), pass(6, watched(1)));
        bells.clear();
        watch.close();
        List<ServedPod> pods = pods(240);
        assertEquals(List.of(), pass(66, pods));
        assertEquals(240, new HashSet<>(looks).size());
    }

    @Test
    void whatChanges_isLookedAtSoon_once() {
        List<ServedPod> pods = watched(250);
        bells.get(7).rings = true;
        assertEquals(List.of(), heard(HEARD_EVERY), "whoever changes it may not be done yet");
        assertEquals(List.of("pod-1007"), heard(HEARD_EVERY));
        assertEquals(List.of(), heard(Duration.ofSeconds(10)));
        bells.get(8).rings = true;
        assertEquals(List.of(), pass(1, pods));
        assertEquals(List.of(), pass(1, pods));
        assertTrue(looks.contains("pod-1008"), looks::toString);
    }

    @Test
    void whatKeepsChanging_isLookedAtNowAndThen() {
        assertEquals(3, watched(3).size());
        bells.get(1).rings = true;
        bells.get(1).keepsRinging = true;
        List<String> seen = heard(Duration.ofSeconds(20));
        assertEquals(Set.of("pod-1001"), Set.copyOf(seen));
        assertTrue(seen.size() >= 8 && seen.size() <= 10, () -> seen.size() + " looks in 20 s");
    }

    @Test
    void whatWeWriteOurselves_isConfirmedOnce() {
        assertEquals(1, watched(1).size());
        damaged.add("pod-1000");
        bells.getFirst().rings = true;
        assertEquals(List.of("pod-1000", "pod-1000"), heard(Duration.ofSeconds(30)));
    }

    @Test
    void whatWeWriteInVain_isLeftToItsTurn() {
        List<ServedPod> pods = watched(1);
        vain = true;
        damaged.add("pod-1000");
        bells.getFirst().rings = true;
        assertEquals(1 + WatchedPod.CONFIRMED_MAX, heard(Duration.ofMinutes(1)).size());
        looks.clear();
        assertEquals(List.of(), pass(120, pods));
        assertTrue(looks.size() >= 2 && looks.size() <= 3, looks::toString);
        bells.getFirst().rings = true;
        assertTrue(heard(Duration.ofMinutes(1)).size() > 1, "somebody has a hand in it");
    }

    @Test
    void whatSomebodyDamagesWhileWeWrite_isFoundByTheNextLooks() {
        assertEquals(1, watched(1).size());
        damaged.add("pod-1000");
        bells.getFirst().rings = true;
        assertEquals(List.of("pod-1000"), heard(Duration.ofSeconds(1)));
        // What was heard of it was heard away with what we wrote.
        for (int i = 0; i < 3; i++) {
            damaged.add("pod-1000");
            assertEquals(List.of("pod-1000"), heard(Duration.ofNanos(WatchedPod.CALM_NANOS)));
            assertEquals(Set.of(), damaged);
        }
        assertEquals(List.of("pod-1000"), heard(Duration.ofSeconds(30)));
    }

    @Test
    void ofManyThatChange_allAreLookedAt_theFirstOnesFirst() {
        assertEquals(250, watched(250).size());
        List<Bell> noisy = bells.subList(0, 20);
        noisy.forEach(bell -> {
            bell.rings = true;
            bell.keepsRinging = true;
        });
        assertTrue(heard(Duration.ofSeconds(10)).size() >= 80);
        bells.get(240).rings = true;
        assertTrue(heard(Duration.ofSeconds(3)).contains("pod-1240"), "none that is noisy keeps it waiting");
        noisy.forEach(bell -> bell.keepsRinging = false);
        assertTrue(heard(Duration.ofSeconds(10)).size() <= 24);
        bells.forEach(bell -> bell.rings = true);
        assertEquals(250, Set.copyOf(heard(Duration.ofSeconds(16))).size());
    }

    @Test
    void turnsGoOn_howeverMuchChanges() {
        List<ServedPod> pods = watched(31);
        bells.subList(0, 30).forEach(bell -> {
            bell.rings = true;
            bell.keepsRinging = true;
        });
        assertEquals(List.of(), pass(70, pods));
        assertTrue(looks.contains("pod-1030"), looks::toString);
        assertTrue(Set.copyOf(looks).size() == 31, looks::toString);
    }

    @Test
    void whatIsNotTold_isCompared_aFewPodsAtATime() {
        told = false;
        assertEquals(250, watched(250).size());
        assertEquals(List.of(), heard(Duration.ofSeconds(3)));
        bells.get(200).other = true;
        int before = comparisons;
        assertEquals(List.of("pod-1200"), heard(Duration.ofSeconds(2)));
        assertTrue(comparisons - before >= 250, comparisons + " comparisons");
        comparisons = 0;
        assertEquals(List.of(), heard(Duration.ofSeconds(10)));
        assertTrue(
                comparisons <= 250 * 10_000 / 1_250 + 250 && comparisons >= 250 * 7,
                () -> comparisons + " comparisons");
        comparisons = 0;
        assertEquals(List.of(), heard(HEARD_EVERY));
        assertTrue(comparisons <= RuleWatch.COMPARED_MAX, () -> comparisons + " comparisons");
    }

    @Test
    void thousandsThatAreNotTold_areComparedInTurns() {
        told = false;
        assertEquals(4_096, watched(4_096).size());
        comparisons = 0;
        for (int i = 0; i < 8; i++) {
            assertEquals(List.of(), heard(HEARD_EVERY));
        }
        assertTrue(comparisons <= 8 * RuleWatch.COMPARED_MAX, () -> comparisons + " comparisons");
    }

    @Test
    void whatIsTold_isNotCompared() {
        assertEquals(3, watched(3).size());
        assertEquals(List.of(), heard(Duration.ofSeconds(10)));
        assertEquals(0, comparisons);
    }

    @Test
    void podsThatCannotBeWatched_haveTheirTurns_untilTheyCan_andItIsSaidOnce() {
        List<ServedPod> pods = pods(2);
        pods.forEach(pod -> assertTrue(watch.begin(pod)));
        assertEquals(List.of(), pass(20, pods));
        assertEquals(List.of("pod-1000", "pod-1001", "pod-1000", "pod-1001"), looks);
        assertEquals(
                1, said.stream().filter(line -> line.contains("no bells today")).count());
        watchable = true;
        assertEquals(List.of(), pass(10, pods));
        assertEquals(2, bells.size());
        bells.getFirst().rings = true;
        assertEquals(List.of("pod-1000"), heard(Duration.ofSeconds(10)));
    }

    @Test
    void aWatchThatFails_isClosed_andAnotherOpenedWithALook() {
        assertEquals(2, watched(2).size());
        bells.getFirst().jams = true;
        assertEquals(List.of("pod-1000"), heard(Duration.ofSeconds(10)));
        assertTrue(bells.getFirst().closed);
        assertEquals(3, bells.size());
        bells.getLast().rings = true;
        assertEquals(List.of("pod-1000"), heard(Duration.ofSeconds(10)));
    }

    @Test
    void podsThatGo_orCannotBeMended_areWatchedNoMore() {
        List<ServedPod> pods = watched(4);
        assertTrue(watch.begin(pods.getFirst()));
        assertTrue(bells.getFirst().closed, "the one that began anew has another");
        watch.end("pod-1001");
        watch.end("pod-1001");
        assertTrue(bells.get(1).closed);
        broken.add("pod-1002");
        bells.get(2).rings = true;
        ticker.advance(HEARD_EVERY);
        assertEquals(List.of(), watch.hear());
        ticker.advance(HEARD_EVERY);
        assertEquals(1, watch.hear().size());
        assertTrue(bells.get(2).closed);
        assertEquals(List.of(), watch.look(List.of(pod("pod-1000", "it has trouble"), pods.get(3))));
        assertTrue(bells.get(4).closed);
        assertEquals(
                List.of(3),
                IntStream.range(0, bells.size())
                        .filter(i -> !bells.get(i).closed)
                        .boxed()
                        .toList());
    }
}
