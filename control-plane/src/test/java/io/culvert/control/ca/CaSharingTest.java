package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Commands;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several agents, as threads and as processes, on one directory. */
class CaSharingTest {
    private static final InstantSource CLOCK = () -> Instant.parse("2030-01-02T03:04:05Z");
    private static final SpiffeId WEB = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int AGENTS = 4;

    @TempDir
    Path temp = Path.of("");

    private static CaDirectory open(Path dir) throws CaException {
        return CaDirectory.open(dir, CLOCK, RANDOM);
    }

    private static CaDirectory init(Path dir) throws CaException {
        return CaDirectory.init(dir, TrustDomain.CLUSTER_LOCAL, Duration.ofDays(30), CLOCK, RANDOM);
    }

    private static X509Certificate issue(CaDirectory directory) throws CaException {
        return new CertificateAuthority(directory, CertificateAuthority.Lifetimes.DEFAULT, CLOCK, RANDOM)
                .issue(WEB, Requests.plain(), Duration.ofHours(1))
                .leaf();
    }

    private static <T> List<Future<T>> atOnce(int count, Callable<T> task) throws InterruptedException {
        CyclicBarrier start = new CyclicBarrier(count);
        try (var threads = Executors.newFixedThreadPool(count)) {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                tasks.add(() -> {
                    start.await();
                    return task.call();
                });
            }
            return threads.invokeAll(tasks);
        }
    }

    @Test
    void ofManyInitsAtOnceOneWins_andAllThenUseItsRoot() throws Exception {
        Path dir = temp.resolve("ca");
        Set<X509Certificate> roots = new HashSet<>();
        int winners = 0;
        for (Future<Boolean> outcome : atOnce(AGENTS, () -> initialises(dir))) {
            winners += outcome.get() ? 1 : 0;
            roots.add(open(dir).signingRoot());
        }
        assertEquals(1, winners);
        assertEquals(1, roots.size());
    }

    private static boolean initialises(Path dir) throws CaException {
        try {
            init(dir);
            return true;
        } catch (CaException e) {
            if (e.code() == CaException.Code.WOULD_OVERWRITE) {
                return false;
            }
            throw e;
        }
    }

    @Test
    void readersNeverSeeARotationHalfDone() throws Exception {
        Path dir = temp.resolve("ca");
        init(dir);
        CaRotation rotation = new CaRotation(dir, CLOCK, RANDOM);
        var done = new AtomicBoolean();
        try (var reader = Executors.newSingleThreadExecutor()) {
            Future<Integer> reads = reader.submit(() -> {
                int count = 0;
                while (!done.get() || count == 0) {
                    issue(open(dir));
                    count++;
                }
                return count;
            });
            try {
                for (int i = 0; i < 10; i++) {
                    rotation.prepare(Duration.ofDays(30));
                    rotation.activate();
                    rotation.finish();
                }
            } finally {
                done.set(true);
            }
            assertTrue(reads.get() > 0);
        }
        assertEquals(1, open(dir).roots().size());
    }

    @Test
    void processesShareOneRoot_andSignAtOnce() throws Exception {
        Path dir = temp.resolve("ca");
        init(dir);
        List<Future<CommandResult>> agents = atOnce(2, () -> Commands.run(Duration.ofSeconds(60), agent(dir)));
        Set<String> serials = new HashSet<>();
        for (Future<CommandResult> agent : agents) {
            serials.addAll(agent.get().expectOk().out().lines().toList());
        }
        assertEquals(2 * AgentProcess.CERTIFICATES, serials.size());
    }

    private static List<String> agent(Path dir) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                AgentProcess.class.getName(),
                dir.toString());
    }

    /** An agent of its own process: issues certificates and prints their serials. */
    static final class AgentProcess {
        static final int CERTIFICATES = 20;

        private AgentProcess() {}

        public static void main(String[] args) throws Exception {
            CaDirectory directory = open(Path.of(args[0]));
            for (int i = 0; i < CERTIFICATES; i++) {
                X509Certificate leaf = issue(directory);
                leaf.verify(directory.signingRoot().getPublicKey());
                System.out.println(leaf.getSerialNumber());
            }
        }
    }
}
