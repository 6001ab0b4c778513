package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.shim.ConnectSpec.Keepalive;
import io.culvert.shim.ListenSpec.Transparency;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sockets in pods, against the real kernel and its real redirect rules. */
class SocketFactoryNetnsIT {
    private static final int MARK = 0x539;
    private static final Keepalive KEEPALIVE = new Keepalive(180, 180, 9);
    private static final ConnectSpec MARKED = new ConnectSpec(MARK, KEEPALIVE, 0, true);
    private static final ConnectSpec UNMARKED = new ConnectSpec(0, Keepalive.OFF, 0, true);

    private static NetnsLab lab;

    private final SocketFactory factory = SocketFactory.open();
    private final PodNetns client = pod("client");
    private final PodNetns server = pod("server");
    private final EpollPeer netty = new EpollPeer();
    private final String home = netns();

    SocketFactoryNetnsIT() throws ShimException, IOException {}

    @BeforeAll
    static void makeLab() {
        lab = NetnsLab.builder()
                .node("node")
                .pod("client", "node")
                .pod("server", "node")
                .build();
    }

    @AfterAll
    static void removeLab() {
        lab.close();
    }

    @BeforeEach
    void isNotInAPod() throws IOException {
        assertEquals(home, netns());
    }

    @AfterEach
    void isStillAtHome() throws Exception {
        netty.close();
        client.close();
        server.close();
        factory.close();
        assertEquals(home, netns());
    }

    @Test
    void talksFromPodToPod_overIpv4() throws Exception {
        talksFromPodToPod(lab.ns("client").ipv4(), lab.ns("server").ipv4());
    }

    @Test
    void talksFromPodToPod_overIpv6() throws Exception {
        talksFromPodToPod(lab.ns("client").v6(), lab.ns("server").v6());
    }

    private void talksFromPodToPod(InetAddress from, InetAddress to) throws Exception {
        BlockingQueue<EpollSocketChannel> accepted = netty.serve(listener(server, 8080), "and good day to you");
        EpollSocketChannel channel = netty.adopt(connected(connect(client, MARKED, to, 8080)));
        assertEquals("and good day to you", EpollPeer.converse(channel, "good day"));
        EpollSocketChannel peer = EpollPeer.take(accepted);
        assertEquals("good day", EpollPeer.heard(peer));
        assertEquals(from.getHostAddress(), EpollPeer.remote(peer));
    }

    @Test
    void carriesData_onASocketAdoptedWhileItConnects() throws Exception {
        BlockingQueue<EpollSocketChannel> accepted = netty.serve(listener(server, 8081), "late answer");
        exec("server", "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8081", "-j", "DROP");
        long connecting = connect(client, MARKED, lab.ns("server").ipv4(), 8081);
        assertFalse(SocketFactory.isConnected(connecting));
        EpollSocketChannel channel = netty.adopt(SocketFactory.fdOf(connecting));
        exec("server", "iptables", "-D", "INPUT", "-p", "tcp", "--dport", "8081", "-j", "DROP");
        assertTrue(channel.isActive());
        // The kernel sends the SYN again after a second; until then the write waits inside Netty.
        channel.writeAndFlush(io.netty.buffer.Unpooled.wrappedBuffer(new byte[] {'h', 'i'}))
                .sync();
        channel.shutdownOutput().sync();
        assertEquals("hi", EpollPeer.heard(EpollPeer.take(accepted)));
        assertEquals("late answer", EpollPeer.heard(channel));
    }

    @Test
    void reportsRefusal_onASocketAdoptedWhileItConnects() throws Exception {
        exec("server", "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8082", "-j", "DROP");
        long connecting = connect(client, MARKED, lab.ns("server").ipv4(), 8082);
        assertFalse(SocketFactory.isConnected(connecting));
        assertEquals(0, SocketFactory.connectError(SocketFactory.fdOf(connecting)));
        EpollSocketChannel channel = netty.adopt(SocketFactory.fdOf(connecting));
        exec("server", "iptables", "-D", "INPUT", "-p", "tcp", "--dport", "8082", "-j", "DROP");
        ExecutionException failure = assertThrows(ExecutionException.class, () -> EpollPeer.heard(channel));
        assertTrue(String.valueOf(failure.getMessage()).contains("Connection refused"), failure.getMessage());
    }

    @Test
    void seesTheOriginalDestination_behindARedirect_overIpv4() throws Exception {
        exec(
                "client",
                "iptables",
                "-t",
                "nat",
                "-A",
                "OUTPUT",
                "-p",
                "tcp",
                "-d",
                "198.18.7.9",
                "-j",
                "REDIRECT",
                "--to-ports",
                "15001");
        seesTheOriginalDestination("198.18.7.9", 15001);
    }

    @Test
    void seesTheOriginalDestination_behindARedirect_overIpv6() throws Exception {
        exec(
                "client",
                "ip6tables",
                "-t",
                "nat",
                "-A",
                "OUTPUT",
                "-p",
                "tcp",
                "-d",
                "2001:db8:7::9",
                "-j",
                "REDIRECT",
                "--to-ports",
                "15002");
        seesTheOriginalDestination("2001:db8:7::9", 15002);
    }

    private void seesTheOriginalDestination(String destination, int port) throws Exception {
        int listener = listener(client, port);
        int outgoing = connected(connect(client, UNMARKED, InetAddress.ofLiteral(destination), 443));
        int incoming = accept(listener);
        Address original = new Address();
        assertTrue(SocketFactory.originalDestination(incoming, original));
        assertEquals(of(InetAddress.ofLiteral(destination), 443).toString(), original.toString());
        Address local = new Address();
        SocketFactory.localAddress(incoming, local);
        assertEquals(port, local.port());
        closeAll(listener, outgoing, incoming);
    }

    @Test
    void fallsBackToTheLocalAddress_whereNothingIsTracked() throws Exception {
        exec(
                "server",
                "iptables",
                "-t",
                "raw",
                "-A",
                "PREROUTING",
                "-p",
                "tcp",
                "--dport",
                "8083",
                "-j",
                "CT",
                "--notrack");
        int listener = listener(server, 8083);
        int outgoing =
                SocketFactory.fdOf(connect(client, MARKED, lab.ns("server").ipv4(), 8083));
        int incoming = accept(listener);
        Address original = new Address();
        assertFalse(SocketFactory.originalDestination(incoming, original));
        assertEquals(of(lab.ns("server").ipv4(), 8083).toString(), original.toString());
        closeAll(listener, outgoing, incoming);
    }

    @Test
    void speaksUnderAForeignSource_toTheAppInThePod_overIpv4() throws Exception {
        loopRepliesBack("iptables", "-4", "0.0.0.0/0");
        speaksUnderAForeignSource(lab.ns("server").ipv4(), InetAddress.ofLiteral("203.0.113.77"), 8084);
    }

    @Test
    void speaksUnderAForeignSource_toTheAppInThePod_overIpv6() throws Exception {
        loopRepliesBack("ip6tables", "-6", "::/0");
        speaksUnderAForeignSource(lab.ns("server").v6(), InetAddress.ofLiteral("2001:db8:99:0:0:0:0:77"), 8085);
    }

    private void speaksUnderAForeignSource(InetAddress app, InetAddress source, int port) throws Exception {
        BlockingQueue<EpollSocketChannel> accepted = netty.serve(listener(server, port), "hello, stranger");
        Address to = of(app, port);
        Address from = of(source, 0);
        // One after the other under one source: a port that has just been used is no hindrance.
        for (int i = 0; i < 50; i++) {
            long connecting =
                    factory.connectTcp(server, MARKED, to.high(), to.low(), to.port(), from.high(), from.low());
            EpollSocketChannel channel = netty.adopt(connected(connecting));
            assertEquals("hello, stranger", EpollPeer.converse(channel, "it is me"));
            EpollSocketChannel peer = EpollPeer.take(accepted);
            assertEquals(source.getHostAddress(), EpollPeer.remote(peer));
        }
    }

    /** As the redirect rules do: what answers a marked connection is routed to lo, whatever address it is for. */
    private static void loopRepliesBack(String iptables, String family, String all) {
        exec(
                "server",
                iptables,
                "-t",
                "mangle",
                "-A",
                "PREROUTING",
                "-m",
                "mark",
                "--mark",
                "0x539/0xfff",
                "-j",
                "CONNMARK",
                "--set-xmark",
                "0x111/0xfff");
        exec(
                "server",
                iptables,
                "-t",
                "mangle",
                "-A",
                "OUTPUT",
                "-m",
                "connmark",
                "--mark",
                "0x111/0xfff",
                "-j",
                "CONNMARK",
                "--restore-mark",
                "--nfmask",
                "0xffffffff",
                "--ctmask",
                "0xffffffff");
        exec("server", "ip", family, "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100");
        exec("server", "ip", family, "route", "add", "local", all, "dev", "lo", "table", "100");
    }

    @Test
    void servesBothFamilies_onOneListener_andSaysSo() throws Exception {
        int listener = listener(server, 8086);
        assertTrue(SocketFactory.isDualStack(listener));
        assertTrue(SocketFactory.isTransparent(listener));
        for (InetAddress address : lab.ns("server").addresses()) {
            int outgoing = connected(connect(client, MARKED, address, 8086));
            closeAll(outgoing, accept(listener));
        }
        Fds.close(listener);
    }

    @Test
    void servesIpv4_inAPodWithoutIpv6() throws Exception {
        try (NetnsLab bare = NetnsLab.builder()
                        .withoutIpv6()
                        .node("node")
                        .pod("pod", "node")
                        .build();
                PodNetns pod = PodNetns.open(bare.ns("pod").path())) {
            int listener = listener(pod, 8080);
            int outgoing = connected(connect(pod, MARKED, bare.ns("pod").ipv4(), 8080));
            closeAll(outgoing, accept(listener), listener);
        }
    }

    @Test
    void acceptsSockets_withTheOptionsOfTheirListener() throws Exception {
        int listener = listener(server, 8090);
        Address to = of(lab.ns("server").ipv4(), 8090);
        for (boolean tuned : new boolean[] {false, true}) {
            if (tuned) {
                SocketFactory.tune(listener, new ConnectSpec(MARK, new ConnectSpec.Keepalive(60, 10, 3), 90_000, true));
            }
            long connecting = factory.connectTcp(client, MARKED, to.high(), to.low(), to.port(), 0, 0);
            int incoming = accept(listener);
            Socket accepted = new Socket(incoming);
            assertEquals(tuned, accepted.isTcpNoDelay());
            assertEquals(tuned, accepted.isKeepAlive());
            closeAll(SocketFactory.fdOf(connecting), incoming);
        }
        Fds.close(listener);
    }

    @Test
    void sharesAPort_onlyWhereBothListenersAgree() throws Exception {
        ListenSpec alone = new ListenSpec(0, 0, 8091, 1, Transparency.NEVER, false, MARK);
        int first = listener(server, 8091);
        int second = listener(server, 8091);
        failsAtHome("bind", Errno.EADDRINUSE, () -> factory.listenTcp(server, alone));
        closeAll(first, second);
        int only = factory.listenTcp(server, alone);
        failsAtHome("bind", Errno.EADDRINUSE, () -> listener(server, 8091));
        Fds.close(only);
    }

    @Test
    void leavesNoDescriptor_after1000Connections() throws Exception {
        int listener = listener(server, 8087);
        Address to = of(lab.ns("server").ipv4(), 8087);
        FdCensus before = FdCensus.ofSelf();
        for (int i = 0; i < 1000; i++) {
            long connecting = factory.connectTcp(client, MARKED, to.high(), to.low(), to.port(), 0, 0);
            int incoming = accept(listener);
            SocketFactory.tune(incoming, MARKED);
            closeAll(SocketFactory.fdOf(connecting), incoming, listener(client, 9000));
            assertThrows(
                    ShimException.class,
                    () -> connect(client, MARKED, lab.ns("client").ipv4(), 1));
        }
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
        assertEquals(home, netns());
        Fds.close(listener);
    }

    @Test
    void isAtHome_afterEveryFailure() throws Exception {
        PodNetns closed = pod("client");
        closed.close();
        failsAtHome("setns", Errno.EBADF, () -> listener(closed, 1));
        int listener = listener(server, 8088);
        ListenSpec taken = new ListenSpec(0, 0, 8088, 1, Transparency.NEVER, false, MARK);
        failsAtHome("bind", Errno.EADDRINUSE, () -> factory.listenTcp(server, taken));
        UdpSpec foreign = new UdpSpec(0, Address.v4Low(0xc0000201), 53, true, MARK);
        failsAtHome("bind", Errno.EADDRNOTAVAIL, () -> factory.bindUdp(server, foreign));
        InetAddress own = lab.ns("client").ipv4();
        failsAtHome("connect", Errno.ECONNREFUSED, () -> connect(client, MARKED, own, 1));
        Fds.close(listener);
    }

    private void failsAtHome(String call, Errno expected, org.junit.jupiter.api.function.Executable action)
            throws IOException {
        ShimException failure = assertThrows(ShimException.class, action);
        assertEquals(call + ": " + Errno.describe(expected.number()), failure.getMessage());
        assertEquals(home, netns());
    }

    @Test
    void endsCleanly_whenAPodGoesWhileThreadsConnectInIt() throws Exception {
        int listener = listener(server, 8089);
        FdCensus before = FdCensus.ofSelf();
        PodNetns pod = pod("server");
        AtomicBoolean started = new AtomicBoolean();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<ShimException>> users = List.of(
                    threads.submit(() -> connectUntilClosed(pod, started)),
                    threads.submit(() -> connectUntilClosed(pod, started)));
            while (!started.get()) {
                Thread.onSpinWait();
            }
            pod.close();
            for (Future<ShimException> user : users) {
                assertTrue(user.get().is(Errno.EBADF), user.get().getMessage());
            }
        }
        for (int pending = accept(listener, 0); pending >= 0; pending = accept(listener, 0)) {
            Fds.close(pending);
        }
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
        Fds.close(listener);
    }

    private ShimException connectUntilClosed(PodNetns pod, AtomicBoolean started) throws IOException {
        String at = netns();
        try {
            while (true) {
                Fds.close(
                        SocketFactory.fdOf(connect(pod, MARKED, lab.ns("server").ipv4(), 8089)));
                started.set(true);
                assertEquals(at, netns());
            }
        } catch (ShimException e) {
            return e;
        }
    }

    private static PodNetns pod(String name) throws ShimException {
        return PodNetns.open(lab.ns(name).path());
    }

    private int listener(PodNetns pod, int port) throws ShimException {
        return factory.listenTcp(pod, new ListenSpec(0, 0, port, 1024, Transparency.REQUIRED, true, MARK));
    }

    private long connect(PodNetns pod, ConnectSpec spec, InetAddress to, int port) throws ShimException {
        Address at = of(to, port);
        return factory.connectTcp(pod, spec, at.high(), at.low(), at.port(), 0, 0);
    }

    /** Within one machine the handshake is over before the call returns, or a moment later. */
    private static int connected(long connecting) throws ShimException {
        int fd = SocketFactory.fdOf(connecting);
        assertEquals(0, SocketFactory.connectError(fd));
        return fd;
    }

    private static int accept(int listener) {
        int fd = accept(listener, 10_000);
        assertTrue(fd >= 0, () -> "accept: " + Errno.describe(-fd));
        return fd;
    }

    private static int accept(int listener, int timeoutMillis) {
        return NativeLibrary.CALLS.culvert_fdpass_accept(listener, timeoutMillis);
    }

    private static void closeAll(int... fds) {
        for (int fd : fds) {
            Fds.close(fd);
        }
    }

    private static Address of(InetAddress from, int port) {
        ByteBuffer bytes = ByteBuffer.wrap(from.getAddress());
        Address address = new Address();
        if (bytes.remaining() == 4) {
            address.set(0, Address.v4Low(bytes.getInt()), port);
        } else {
            address.set(bytes.getLong(), bytes.getLong(), port);
        }
        return address;
    }

    private static void exec(String member, String... command) {
        Netns ns = lab.ns(member);
        lab.exec(ns, command).expectOk();
    }

    private static String netns() throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
    }
}
