package io.culvert.perf;

import io.culvert.shim.Address;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Fds;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.NativeLibrary;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the shim's calls cost: an empty one, a connection here and in a pod, the original destination. Needs root.
 *
 * <p>A connection includes the kernel's handshake and the bytes that the accepting loop, on another thread, allocates; the shim
 * itself allocates none.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ShimBenchmark {
    private static final ConnectSpec SPEC = new ConnectSpec(0x539, new ConnectSpec.Keepalive(180, 180, 9), 0, true);

    /** A call into C that does nothing. */
    @Benchmark
    public int emptyCall() {
        return NativeLibrary.abi();
    }

    /** Connect over lo in the process's own namespace, and close. */
    @Benchmark
    public void connectHere(Here here) throws ShimException {
        here.connectAndClose();
    }

    /** The same inside a pod's namespace; the difference is the way there and back. */
    @Benchmark
    public void connectInPod(InPod pod) throws ShimException {
        pod.connectAndClose();
    }

    /** The original destination of a redirected connection. */
    @Benchmark
    public Address originalDestination(Redirected redirected) throws ShimException {
        SocketFactory.originalDestination(redirected.accepted(), redirected.out);
        return redirected.out;
    }

    /** A listener that closes what it accepts, on another thread. */
    @State(Scope.Thread)
    public static class Here {
        private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        private SocketFactory factory;
        private @Nullable PodNetns pod;
        private int port;
        private int turn;

        @Nullable
        PodNetns makePod() throws ShimException {
            return null;
        }

        @Setup
        public void listen() throws Exception {
            factory = SocketFactory.open();
            pod = makePod();
            int fd = factory.listenTcp(
                    pod, new ListenSpec(0, 0, 0, 4096, ListenSpec.Transparency.BEST_EFFORT, false, 0));
            Address at = new Address();
            SocketFactory.localAddress(fd, at);
            port = at.port();
            EpollServerSocketChannel server = new EpollServerSocketChannel(fd);
            server.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    ((Channel) message).unsafe().closeForcibly();
                }
            });
            loop.register(server).sync();
        }

        /** A new destination each time: closed connections keep their pair of addresses busy for a minute. */
        void connectAndClose() throws ShimException {
            turn = (turn + 1) & 0xffff;
            long to = Address.v4Low(0x7f010000 | turn);
            Fds.close(SocketFactory.fdOf(factory.connectTcp(pod, SPEC, 0, to, port, 0, 0)));
        }

        @TearDown
        public void close() {
            loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
            if (pod != null) {
                pod.close();
            }
            factory.close();
        }
    }

    /** The same in a namespace made for it. */
    @State(Scope.Thread)
    public static class InPod extends Here {
        private final String name = "cv-" + ProcessHandle.current().pid() + "-connect";

        @Override
        PodNetns makePod() throws ShimException {
            return make(name);
        }

        /** Only the name goes; the namespace itself lasts until its last socket is closed. */
        @TearDown
        public void removeName() {
            run("ip", "netns", "del", name);
        }
    }

    /** A connection that a redirect rule brought to our listener. */
    @State(Scope.Thread)
    public static class Redirected {
        private final Address out = new Address();
        private final String name = "cv-" + ProcessHandle.current().pid() + "-redirect";
        private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        private final BlockingQueue<EpollSocketChannel> arrived = new LinkedBlockingQueue<>();
        private int client;
        private int accepted;

        int accepted() {
            return accepted;
        }

        @Setup
        public void connect() throws Exception {
            try (SocketFactory factory = SocketFactory.open();
                    PodNetns pod = make(name)) {
                run("ip", "-n", name, "route", "add", "198.18.0.0/15", "dev", "lo");
                String rule = "iptables -t nat -A OUTPUT -p tcp -d 198.18.0.1 -j REDIRECT --to-ports 15001";
                run("ip", "netns", "exec", name, "sh", "-c", rule);
                int listener = factory.listenTcp(
                        pod, new ListenSpec(0, 0, 15001, 16, ListenSpec.Transparency.REQUIRED, true, 0));
                accept(listener);
                long to = Address.v4Low(0xc6120001);
                client = SocketFactory.fdOf(factory.connectTcp(pod, SPEC, 0, to, 80, 0, 0));
                accepted = arrived.take().fd().intValue();
            }
        }

        private void accept(int listener) throws InterruptedException {
            EpollServerSocketChannel server = new EpollServerSocketChannel(listener);
            server.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    EpollSocketChannel channel = (EpollSocketChannel) message;
                    loop.register(channel).addListener(_ -> arrived.add(channel));
                }
            });
            loop.register(server).sync();
        }

        @TearDown
        public void close() {
            Fds.close(client);
            loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
            run("ip", "netns", "del", name);
        }
    }

    private static PodNetns make(String name) throws ShimException {
        run("ip", "netns", "add", name);
        run("ip", "-n", name, "link", "set", "lo", "up");
        return PodNetns.open(Path.of("/run/netns", name));
    }

    private static void run(String... command) {
        try {
            int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (exit != 0) {
                throw new IllegalStateException("exit " + exit + " from " + List.of(command));
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot run " + List.of(command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
