package io.culvert.perf;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.ConnectionRecord;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Party;
import io.culvert.agent.telemetry.ServiceLabels;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What counting costs: the bytes of one read, and a connection from its opening to its end, without a line in the access log;
 * by one loop, and by two that count for the same pair of workloads.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TelemetryBenchmark {
    /** One agent's. */
    @State(Scope.Benchmark)
    public static class Agent {
        // Kept, lest its level be forgotten with it.
        private final Logger access = Logger.getLogger("access");
        private final Telemetry telemetry = new Telemetry(new Metrics("bench", BuildVersion.current()), Ticker.SYSTEM);

        /** The log is not what is measured. */
        @Setup
        public void writeNoLog() {
            access.setLevel(Level.OFF);
        }
    }

    /** One loop's. */
    @State(Scope.Thread)
    public static class OnLoop {
        private final ConnectionFacts facts = new ConnectionFacts(
                Direction.OUTBOUND, party(0), party(1), ServiceLabels.of(BenchMesh.service(0)), true, "10.0.0.1:80");
        private @Nullable ConnectionRecord open;

        private static Party party(int number) {
            Workload workload = BenchMesh.workload(number, Workload.Health.HEALTHY);
            IpAddress ip = workload.addresses().getFirst();
            return Party.of(new IpPort(ip, 80), workload, workload.identity());
        }

        ConnectionRecord open(Agent agent) {
            ConnectionRecord known = open;
            if (known == null) {
                known = agent.telemetry.open(facts);
                open = known;
            }
            return known;
        }
    }

    @Benchmark
    public void countARead(Agent agent, OnLoop loop) {
        loop.open(agent).received(16_384);
    }

    @Benchmark
    @Threads(2)
    public void countARead_ofTwoLoops(Agent agent, OnLoop loop) {
        loop.open(agent).received(16_384);
    }

    @Benchmark
    public boolean countAConnection(Agent agent, OnLoop loop) {
        return agent.telemetry.open(loop.facts).close(CloseReason.NORMAL, null);
    }

    @Benchmark
    @Threads(2)
    public boolean countAConnection_ofTwoLoops(Agent agent, OnLoop loop) {
        return agent.telemetry.open(loop.facts).close(CloseReason.NORMAL, null);
    }
}
