package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.shim.ConnectSpec.Keepalive;
import io.culvert.shim.ListenSpec.Transparency;
import java.util.List;
import org.junit.jupiter.api.Test;

class SocketFactoryTest {
    private static final int MARK = 0x539;
    private static final long V4_LOOPBACK = Address.v4Low(0x7f000001);
    private static final ListenSpec WILDCARD = new ListenSpec(0, 0, 0, 128, Transparency.REQUIRED, true, MARK);
    private static final ConnectSpec TUNED = new ConnectSpec(MARK, new Keepalive(180, 180, 9), 5000, true);

    @Test
    void connectsToItsOwnListener_overIpv4() throws ShimException {
        connectsTo(0, V4_LOOPBACK);
    }

    @Test
    void connectsToItsOwnListener_overIpv6() throws ShimException {
        connectsTo(0, 1);
    }

    private static void connectsTo(long high, long low) throws ShimException {
        try (SocketFactory factory = SocketFactory.open()) {
            int listener = factory.listenTcp(null, WILDCARD);
            assertTrue(SocketFactory.isTransparent(listener));
            assertTrue(SocketFactory.isDualStack(listener));
            Address at = new Address();
            SocketFactory.localAddress(listener, at);
            long connecting = factory.connectTcp(null, TUNED, high, low, at.port(), 0, 0);
            int fd = SocketFactory.fdOf(connecting);
            assertTrue(SocketFactory.isConnected(connecting));
            assertEquals(0, SocketFactory.connectError(fd));
            Address local = new Address();
            SocketFactory.localAddress(fd, local);
            assertEquals(low, local.low());
            Fds.close(fd);
            Fds.close(listener);
        }
    }

    @Test
    void namesTheCallThatFailed_andItsErrno() throws ShimException {
        try (SocketFactory factory = SocketFactory.open()) {
            ShimException refused =
                    assertThrows(ShimException.class, () -> factory.connectTcp(null, TUNED, 0, V4_LOOPBACK, 1, 0, 0));
            assertEquals("connect", refused.call());
            assertTrue(refused.is(Errno.ECONNREFUSED), refused.getMessage());
            ShimException mixed =
                    assertThrows(ShimException.class, () -> factory.connectTcp(null, TUNED, 0, V4_LOOPBACK, 1, 0, 1));
            assertEquals("bind", mixed.call());
            assertTrue(mixed.is(Errno.EAFNOSUPPORT), mixed.getMessage());
        }
    }

    @Test
    void findsNothingMissing_asRoot() {
        assertEquals(List.of(), ShimSelfTest.run(MARK));
    }

    @Test
    void refusesUseAfterClose() throws ShimException {
        SocketFactory factory = SocketFactory.open();
        factory.close();
        factory.close();
        ShimException closed = assertThrows(ShimException.class, () -> factory.listenTcp(null, WILDCARD));
        assertTrue(closed.is(Errno.EBADF));
    }

    @Test
    void printsAddresses_asPeopleWriteThem() {
        Address address = new Address();
        address.set(0, Address.v4Low(0x0a000102), 80);
        assertEquals("10.0.1.2:80", address.toString());
        assertTrue(address.isV4());
        address.set(0xfd16_9254_7127_1337L, 1, 443);
        assertEquals("[fd16:9254:7127:1337:0:0:0:1]:443", address.toString());
        assertFalse(address.isV4());
    }
}
