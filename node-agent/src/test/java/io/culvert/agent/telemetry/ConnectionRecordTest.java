package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.culvert.agent.base.BuildVersion;
import io.culvert.testkit.FakeTicker;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class ConnectionRecordTest {
    private static final int READS = 100_000;

    private final FakeTicker clock = new FakeTicker();
    private final Telemetry telemetry =
            new Telemetry(new Metrics("unknown", new BuildVersion("0", "0")), clock::nanoTime);

    @Test
    void countsWithoutAllocating() {
        ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
        ConnectionRecord connection = telemetry.open(Samples.plaintext());
        count(connection);
        long before = threads.getCurrentThreadAllocatedBytes();
        count(connection);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < READS / 10, allocated + " bytes for " + READS + " reads");
        assertEquals(2L * READS * 1_000, connection.receivedBytes());
    }

    private static void count(ConnectionRecord connection) {
        for (int i = 0; i < READS; i++) {
            connection.received(1_000);
            connection.sent(10);
        }
    }
}
