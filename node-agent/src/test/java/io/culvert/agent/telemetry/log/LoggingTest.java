package io.culvert.agent.telemetry.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("logging belongs to the process")
@Timeout(60)
class LoggingTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final CountDownLatch gate = new CountDownLatch(1);

    private Logging install(String filter) {
        return Logging.install(new LogConfig(LogFilter.parse(filter), LogConfig.Format.PLAIN), out);
    }

    private List<String> lines() {
        return out.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring(line.indexOf('\t') + 1))
                .toList();
    }

    @Test
    void takesInLibrariesToo() {
        try (Logging logging = install("info")) {
            System.getLogger("io.culvert.agent.x.Y").log(System.Logger.Level.INFO, "own {0}", 1);
            Logger.getLogger("org.bouncycastle.jsse").warning("library");
            InternalLoggerFactory.getInstance("io.netty.x").error("netty");
            logging.flush();
            assertEquals(
                    List.of("info\tx.Y\town 1", "warn\torg.bouncycastle.jsse\tlibrary", "error\tio.netty.x\tnetty"),
                    lines());
        }
    }

    @Test
    void filtersByTarget() {
        try (Logging logging = install("warn,proxy=debug,ztunnel::route=trace,io.netty=off")) {
            log("io.culvert.agent.proxy.A", Level.FINE);
            log("io.culvert.agent.proxy.A", Level.FINER);
            log("io.culvert.agent.route.B", Level.FINER);
            log("io.culvert.agent.mesh.C", Level.INFO);
            log("io.culvert.agent.mesh.C", Level.WARNING);
            log("io.netty.x", Level.SEVERE);
            logging.flush();
            assertEquals(List.of("debug\tproxy.A\tx", "trace\troute.B\tx", "warn\tmesh.C\tx"), lines());
        }
    }

    @Test
    void forgetsTargets_whenTheFilterChanges() {
        try (Logging logging = install("info,proxy=debug")) {
            logging.filter(LogFilter.parse("info,mesh=debug"));
            log("io.culvert.agent.proxy.A", Level.FINE);
            log("io.culvert.agent.mesh.C", Level.FINE);
            logging.flush();
            assertEquals(List.of("debug\tmesh.C\tx"), lines());
            assertEquals("info,mesh=debug", logging.filter().toString());
            assertEquals("info,proxy=debug", logging.initialFilter().toString());
        }
    }

    @Test
    void coversAllOfTheProject_underItsName() {
        try (Logging logging = install("off,culvert=info")) {
            log("io.culvert.cni.X", Level.INFO);
            log("access", Level.INFO);
            log("io.netty.x", Level.SEVERE);
            logging.flush();
            assertEquals(List.of("info\tcni.X\tx", "info\taccess\tx"), lines());
        }
    }

    private static void log(String logger, Level level) {
        Logger.getLogger(logger).log(level, "x");
    }

    /** Takes nothing until the gate is open. */
    private final class Stuck extends OutputStream {
        private final CountDownLatch writing = new CountDownLatch(1);

        @Override
        public void write(int b) {
            throw new AssertionError("written in blocks only");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            writing.countDown();
            awaitRelease();
            out.write(bytes, offset, length);
        }

        private void awaitRelease() {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private long written(String line) {
        return lines().stream().filter(each -> each.equals(line)).count();
    }

    @Test
    void dropsAndCounts_ratherThanBlock() throws InterruptedException {
        Stuck stuck = new Stuck();
        LogConfig config = new LogConfig(LogFilter.INFO, LogConfig.Format.PLAIN);
        try (Logging logging = Logging.install(config, stuck)) {
            log("a", Level.WARNING);
            stuck.writing.await();
            for (int i = 0; i < LogQueue.ENTRIES_MAX + 5; i++) {
                log("a", Level.WARNING);
            }
            assertEquals(5, logging.droppedLines());
            gate.countDown();
            logging.flush();
            assertEquals(LogQueue.ENTRIES_MAX + 1, written("warn\ta\tx"));
            assertTrue(lines().contains("warn\tlog\t5 log lines were dropped"));
        }
    }

    @Test
    void keepsRoomForWarnings_whenOthersAreDropped() throws InterruptedException {
        Stuck stuck = new Stuck();
        LogConfig config = new LogConfig(LogFilter.INFO, LogConfig.Format.PLAIN);
        try (Logging logging = Logging.install(config, stuck)) {
            log("a", Level.INFO);
            stuck.writing.await();
            for (int i = 0; i < LogQueue.ENTRIES_MAX; i++) {
                log("a", Level.INFO);
            }
            assertEquals(LogQueue.RESERVED, logging.droppedLines());
            for (int i = 0; i < LogQueue.RESERVED; i++) {
                log("a", Level.SEVERE);
            }
            assertEquals(LogQueue.RESERVED, logging.droppedLines());
            gate.countDown();
            logging.flush();
            assertEquals(LogQueue.ENTRIES_MAX - LogQueue.RESERVED + 1, written("info\ta\tx"));
            assertEquals(LogQueue.RESERVED, written("error\ta\tx"));
        }
    }

    @Test
    void outlivesEntries_thatCannotBeWritten() {
        try (Logging logging = install("info")) {
            Object bad = new Object() {
                @Override
                public String toString() {
                    throw new IllegalStateException("no text");
                }
            };
            Logger.getLogger("a").log(Level.INFO, "{0}", bad);
            log("a", Level.INFO);
            logging.flush();
            assertTrue(lines().contains("info\ta\tx"));
            assertEquals(1, logging.droppedLines());
        }
    }

    @Test
    void countsLines_thatTheSystemRefuses() {
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("closed");
            }
        };
        try (Logging logging = Logging.install(new LogConfig(LogFilter.INFO, LogConfig.Format.PLAIN), closed)) {
            log("a", Level.INFO);
            logging.flush();
            assertEquals(1, logging.droppedLines());
        }
    }
}
