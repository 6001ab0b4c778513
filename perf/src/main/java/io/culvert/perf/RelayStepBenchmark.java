package io.culvert.perf;

import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.telemetry.CloseReason;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One relay step: bytes are there on one socket, and are handed to the other. The sockets make no system calls and move no
 * bytes, so that what is left is the relay itself; {@link RelayBenchmark} has it all.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RelayStepBenchmark {
    /** Bytes of a read. */
    @Param({"256", "65536"})
    public int size;

    /** By what the bytes go: a buffer, or a pipe. */
    @Param({"buffer", "pipe"})
    public String by = "buffer";

    private StillSocket app;
    private StillSocket peer;
    private BenchLoop loop;

    /** Makes the relay. */
    @Setup
    public void relay() {
        loop = new BenchLoop(StillSocket::pipe);
        app = new StillSocket(by.equals("pipe"));
        peer = new StillSocket(by.equals("pipe"));
        SocketPeer far = new SocketPeer(loop, peer);
        far.start(new Relay(loop, app, far, new Counting()));
    }

    /** From the application to its peer. */
    @Benchmark
    public long up() {
        app.receive(size);
        loop.turn();
        return peer.sent;
    }

    /** From the peer to the application. */
    @Benchmark
    public long down() {
        peer.receive(size);
        loop.turn();
        return app.sent;
    }

    private static final class Counting implements RelayOwner {
        private long bytes;

        @Override
        public void relayedUp(int count) {
            bytes += count;
        }

        @Override
        public void relayedDown(int count) {
            bytes += count;
        }

        @Override
        public void relayClosed(CloseReason reason, @Nullable String detail) {
            throw new IllegalStateException(reason + " after " + bytes + " bytes");
        }
    }
}
