package io.culvert.agent.pods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.proxy.ConnectionView;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.ServingProxy;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose turn it is, when. */
class RuleWatchTest {
    private final FakeTicker ticker = new FakeTicker();
    private final List<String> looks = new ArrayList<>();
    private final Set<String> broken = new HashSet<>();
    private boolean forgotten;
    private final RuleWatch watch =
            new RuleWatch(new Looks(), new Metrics("", BuildVersion.current()), ticker::nanoTime);
    private final PodNetns own;

    RuleWatchTest() throws ShimException {
        own = PodNetns.current();
    }

    @AfterEach
    void close() {
        own.close();
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
}
