package io.culvert.perf;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.netty.channel.unix.Socket;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One message there and one back between two sockets of one thread, over loopback: directly, and through a relay on a
 * loop. The difference is two relay steps with their system calls and changes of thread; the allocation is the relay's
 * alone, since the direct exchange has none.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RelayBenchmark {
    private static final long BUFFER_BYTES_MAX = 16L << 20;

    /** Bytes of a message. */
    @Param({"256", "16384"})
    public int size;

    private LoopGroup loops;
    private ServerSocketChannel listener;
    private SocketChannel directClient;
    private SocketChannel directServer;
    private SocketChannel relayedClient;
    private SocketChannel relayedServer;
    private ByteBuffer message;

    /** Counts what a connection's record would count. */
    private static final class Counting implements RelayOwner {
        private long bytes;
        private @Nullable CloseReason closedFor;

        @Override
        public String toString() {
            return bytes + " bytes, closed for " + closedFor;
        }

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
            closedFor = reason;
        }
    }

    /** Makes both pairs of sockets, and the relay between the second one. */
    @Setup(Level.Trial)
    public void connect() throws Exception {
        listener = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        message = ByteBuffer.allocateDirect(size);
        directClient = SocketChannel.open(listener.getLocalAddress());
        directServer = noDelay(listener.accept());
        noDelay(directClient);
        // First, because it loads Netty's native library, which dial() needs.
        loops = LoopGroup.start(1, BUFFER_BYTES_MAX);
        int appFd = dial();
        relayedClient = noDelay(listener.accept());
        int peerFd = dial();
        relayedServer = noDelay(listener.accept());
        DataLoop loop = loops.next();
        loop.execute(() -> relay(loop, appFd, peerFd));
    }

    /** Closes the sockets and waits for the loop's end. */
    @TearDown(Level.Trial)
    public void close() throws Exception {
        for (var socket : new Closeable[] {directClient, directServer, relayedClient, relayedServer, listener}) {
            socket.close();
        }
        loops.shutdown().sync();
    }

    @Benchmark
    public ByteBuffer direct() throws IOException {
        return exchange(directClient, directServer);
    }

    @Benchmark
    public ByteBuffer relayed() throws IOException {
        return exchange(relayedClient, relayedServer);
    }

    private ByteBuffer exchange(SocketChannel client, SocketChannel server) throws IOException {
        move(client, server);
        move(server, client);
        return message;
    }

    private void move(SocketChannel from, SocketChannel to) throws IOException {
        message.clear();
        while (message.hasRemaining()) {
            from.write(message);
        }
        message.clear();
        while (message.hasRemaining()) {
            if (to.read(message) < 0) {
                throw new IOException("the connection ended");
            }
        }
    }

    private static void relay(DataLoop loop, int appFd, int peerFd) {
        TcpSocket app = TcpSocket.adopt(loop, appFd);
        SocketPeer peer = new SocketPeer(loop, TcpSocket.adopt(loop, peerFd));
        peer.start(new Relay(loop, app, peer, new Counting()));
    }

    private int dial() throws IOException {
        Socket socket = Socket.newSocketStream();
        socket.setTcpNoDelay(true);
        if (!socket.connect(listener.getLocalAddress()) && !socket.finishConnect()) {
            throw new IOException("loopback did not connect at once");
        }
        return socket.intValue();
    }

    private static SocketChannel noDelay(SocketChannel channel) throws IOException {
        return channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }
}
