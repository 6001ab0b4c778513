package io.culvert.agent.dns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.dns.DnsFrames;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.testkit.DnsWire;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queries to name servers by TCP, whose connections are the test's. */
class NetUpstreamTest {
    @TempDir
    private Path folder;

    private final LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();

    /** Whoever asks fails with the answer. */
    private final class Faulty implements Upstream.Listener {
        @Override
        public void onAnswer(byte[] response) {
            told.add("answer");
            throw new IllegalStateException("on purpose");
        }

        @Override
        public void onFailure(String why) {
            told.add(why);
        }
    }

    @Test
    void tellsWhoAsked_whenItFailsWithTheAnswer_andAsksNobodyElse()
            throws IOException, ShimException, InterruptedException {
        Path conf = Files.writeString(folder.resolve("resolv.conf"), "nameserver 192.0.2.53\nnameserver 192.0.2.54\n");
        LoopGroup group = LoopGroup.start(1, 16L << 20);
        try (PodNetns own = PodNetns.current()) {
            DataLoop loop = group.loops().getFirst();
            NetUpstream upstream = new NetUpstream(new NetUpstream.Surroundings(
                    loop,
                    SocketFactory.open(),
                    own,
                    (target, source, listener) -> {
                        listener.onConnected(new Answering());
                        return () -> {};
                    },
                    0,
                    NameServers.read(conf),
                    new Random(1)));
            byte[] query = DnsWire.query(7, "www.example.com", DnsWire.SRV);
            loop.execute(() -> upstream.ask(query, DnsProtocol.TCP, new Faulty()));
            assertEquals("answer", told.poll(10, TimeUnit.SECONDS));
            assertEquals(
                    "a fault in the agent: java.lang.IllegalStateException: on purpose",
                    told.poll(10, TimeUnit.SECONDS));
            loop.execute(() -> told.add("nothing else"));
            assertEquals("nothing else", told.poll(10, TimeUnit.SECONDS));
            assertEquals(List.of(), List.copyOf(told));
        } finally {
            group.shutdown().awaitUninterruptibly();
        }
    }

    /** A server's connection: answers each query as soon as it is written. */
    private static final class Answering implements RelaySocket {
        private @Nullable ByteBuffer answer;
        private boolean closed;

        @Override
        public void listener(Listener next) {}

        @Override
        public boolean isReadable() {
            return answer != null && !closed;
        }

        @Override
        public boolean isWritable() {
            return !closed;
        }

        @Override
        public boolean errorSeen() {
            return false;
        }

        @Override
        public int read(ByteBuffer into) {
            ByteBuffer left = answer;
            answer = null;
            if (left == null) {
                return 0;
            }
            int count = left.remaining();
            into.put(left);
            return count;
        }

        @Override
        public int write(ByteBuffer from) {
            int count = from.remaining();
            byte[] query = new byte[count - 2];
            from.getShort();
            from.get(query);
            answer = DnsFrames.framed(DnsWire.answer(query, 0, 33, new byte[20]));
            return count;
        }

        @Override
        public void shutdownWrite() {}

        @Override
        public void abort() {
            closed = true;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public boolean isClosed() {
            return closed;
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
}
