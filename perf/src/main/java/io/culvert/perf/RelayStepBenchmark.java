package io.culvert.perf;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.LoopMemory;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.base.PipePool;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.base.Timer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.telemetry.CloseReason;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Objects;
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
    private static final long BUFFER_BYTES_MAX = 16L << 20;

    /** Bytes of a read. */
    @Param({"256", "65536"})
    public int size;

    /** By what the bytes go: a buffer, or a pipe. */
    @Param({"buffer", "pipe"})
    public String by = "buffer";

    private Still app;
    private Still peer;
    private Here loop;

    /** Makes the relay. */
    @Setup
    public void relay() {
        loop = new Here();
        app = new Still(by.equals("pipe"));
        peer = new Still(by.equals("pipe"));
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

    private static final class StillPipe extends Pipe {
        private int bytes;

        @Override
        public int bytes() {
            return bytes;
        }

        @Override
        protected void close() {
            bytes = 0;
        }
    }

    /** A socket without a kernel: what it receives has any content, what it is to send is taken. */
    private static final class Still implements RelaySocket {
        private final boolean splices;
        private @Nullable Listener listener;
        private int unread;
        private long sent;

        Still(boolean splices) {
            this.splices = splices;
        }

        @Override
        public boolean splices() {
            return splices;
        }

        @Override
        public int read(Pipe into) {
            int count = unread;
            ((StillPipe) into).bytes = count;
            unread = 0;
            return count;
        }

        @Override
        public int write(Pipe from) {
            int count = from.bytes();
            ((StillPipe) from).bytes = 0;
            sent += count;
            return count;
        }

        void receive(int bytes) {
            unread += bytes;
            Objects.requireNonNull(listener).onReady();
        }

        @Override
        public void listener(Listener next) {
            listener = next;
        }

        @Override
        public boolean isReadable() {
            return unread > 0;
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public boolean errorSeen() {
            return false;
        }

        @Override
        public int read(ByteBuffer into) {
            int count = Math.min(unread, into.remaining());
            into.position(into.position() + count);
            unread -= count;
            return count;
        }

        @Override
        public int write(ByteBuffer from) {
            int count = from.remaining();
            from.position(from.limit());
            sent += count;
            return count;
        }

        @Override
        public void shutdownWrite() {
            throw new IllegalStateException("nothing ends here");
        }

        @Override
        public void abort() {
            throw new IllegalStateException("nothing breaks here");
        }

        @Override
        public void close() {
            throw new IllegalStateException("nothing ends here");
        }

        @Override
        public boolean isClosed() {
            return false;
        }

        @Override
        public @Nullable InetSocketAddress remoteAddress() {
            return null;
        }

        @Override
        public @Nullable InetSocketAddress localAddress() {
            return null;
        }
    }

    /** A loop that turns in the benchmark's thread. */
    private static final class Here implements Loop {
        private final PipePool pipePool = new PipePool(StillPipe::new, Ticker.SYSTEM);
        private final PipeShare pipes = pipePool.share();
        private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
        private final LoopMemory memory = new LoopMemory(BUFFER_BYTES_MAX, this::execute);

        void turn() {
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public Timer schedule(Runnable task, long delayNanos) {
            throw new IllegalStateException("nothing waits here");
        }

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public BufferShare buffers() {
            return memory.share();
        }

        @Override
        public BufferPool pool() {
            return memory.pool();
        }

        @Override
        public PipePool pipePool() {
            return pipePool;
        }

        @Override
        public PipeShare pipes() {
            return pipes;
        }

        @Override
        public ByteBuffer cipherIn() {
            return memory.cipherIn();
        }

        @Override
        public ByteBuffer plainIn() {
            return memory.plainIn();
        }

        @Override
        public ByteBuffer cipherOut() {
            return memory.cipherOut();
        }

        @Override
        public ByteBuffer relayScratch() {
            return memory.relayScratch();
        }
    }
}
