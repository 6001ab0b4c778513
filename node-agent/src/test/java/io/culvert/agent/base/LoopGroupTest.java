package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LoopGroupTest {
    private final LoopGroup group = LoopGroup.start(2, 1L << 20);
    private final LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();

    /** What no handle of ours does. */
    private record Fatal(Socket socket) implements EpollIoHandle {
        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            throw new OutOfMemoryError("for the test");
        }

        @Override
        public void close() {
            // The test closes it.
        }

        @Override
        public FileDescriptor fd() {
            return socket;
        }
    }

    @Test
    void tellsOfALoopThatEnds_unasked() throws Exception {
        group.onUnexpectedEnd(told::add);
        Socket listener = Socket.newSocketStream();
        try {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            listener.listen(1);
            DataLoop loop = group.next();
            loop.execute(() -> {
                long _ = loop.register(new Fatal(listener)).getNow().submit(EpollIoOps.EPOLLIN);
            });
            connectTo(listener);
            assertEquals("an event loop has ended", told.poll(30, TimeUnit.SECONDS));
        } finally {
            listener.close();
        }
        assertTrue(group.shutdown().await(10, TimeUnit.SECONDS));
    }

    private static void connectTo(Socket listener) throws IOException {
        try (java.net.Socket client = new java.net.Socket()) {
            client.connect(listener.localAddress());
        }
    }

    @Test
    void saysNothing_whenAskedToEnd() throws Exception {
        group.onUnexpectedEnd(told::add);
        assertTrue(group.shutdown().await(10, TimeUnit.SECONDS));
        assertNull(told.poll());
    }
}
