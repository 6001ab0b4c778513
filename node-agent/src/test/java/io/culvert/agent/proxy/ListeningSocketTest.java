package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.Address;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A listener on real sockets: who connected is known whatever became of the connection since. */
@Timeout(60)
class ListeningSocketTest {
    private static final int BACKLOG = 16;

    private final LoopGroup loops = LoopGroup.start(2, 1 << 20);
    private final LinkedBlockingQueue<IpPort> peers = new LinkedBlockingQueue<>();

    @AfterEach
    void shutDown() throws InterruptedException {
        assertEquals(true, loops.shutdown().await(20, TimeUnit.SECONDS));
    }

    private int listen(long low) throws ShimException {
        try (SocketFactory sockets = SocketFactory.open()) {
            ListenSpec spec = new ListenSpec(0, low, 0, BACKLOG, ListenSpec.Transparency.NEVER, false, 0);
            return sockets.listenTcp(null, spec);
        }
    }

    private void accepted(DataLoop loop, int fd, InetSocketAddress peer) {
        TcpSocket socket = TcpSocket.adopt(loop, fd, peer);
        peers.add(Addresses.of(socket.remoteAddress()));
        socket.close();
    }

    private void assertTells(long listenLow, String clientAddress) throws Exception {
        int fd = listen(listenLow);
        Address at = new Address();
        SocketFactory.localAddress(fd, at);
        ListeningSocket listener = new ListeningSocket("a listener", fd, loops, this::accepted);
        IpPort client = connectAndReset(clientAddress, at.port());
        // Only now does anybody accept: the kernel has forgotten the peer of what it hands out.
        listener.start();
        assertEquals(client, peers.poll(20, TimeUnit.SECONDS));
        listener.close();
    }

    @Test
    void acceptsAllWhoHaveConnected_beforeItCloses() throws Exception {
        int fd = listen(0xffff_7f00_0001L);
        Address at = new Address();
        SocketFactory.localAddress(fd, at);
        // Nobody accepts yet, as when the loop is busy.
        ListeningSocket listener = new ListeningSocket("a listener", fd, loops, this::accepted);
        Set<IpPort> clients = new HashSet<>();
        List<Socket> open = new ArrayList<>();
        for (int i = 0; i < BACKLOG; i++) {
            Socket client = new Socket(InetAddress.getLoopbackAddress(), at.port());
            open.add(client);
            clients.add(Addresses.of((InetSocketAddress) client.getLocalSocketAddress()));
        }
        listener.finish().get(20, TimeUnit.SECONDS);
        assertEquals(clients, new HashSet<>(peers));
        assertEquals(BACKLOG, peers.size());
        assertThrows(ConnectException.class, () -> new Socket(InetAddress.getLoopbackAddress(), at.port()).close());
        for (Socket client : open) {
            client.close();
        }
    }

    @Test
    void finishesAtOnce_whenItIsClosedAlready() throws Exception {
        ListeningSocket listener = new ListeningSocket("a listener", listen(0xffff_7f00_0001L), loops, this::accepted);
        listener.start();
        listener.close();
        listener.finish().get(20, TimeUnit.SECONDS);
        assertEquals(0, peers.size());
    }

    private static IpPort connectAndReset(String address, int port) throws IOException {
        try (Socket client = new Socket(InetAddress.getByName(address), port)) {
            client.setSoLinger(true, 0);
            return Addresses.of((InetSocketAddress) client.getLocalSocketAddress());
        }
    }

    @Test
    void tellsWhoConnected_andResetAtOnce() throws Exception {
        assertTells(0xffff_7f00_0001L, "127.0.0.1");
    }

    @Test
    void tellsWhoConnected_overEitherFamily() throws Exception {
        assertTells(0, "127.0.0.1");
        assertTells(0, "::1");
    }
}
