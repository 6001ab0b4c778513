package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SpliceTest {
    private static final ConnectSpec PLAIN = new ConnectSpec(0, ConnectSpec.Keepalive.OFF, 0, true);

    @Test
    void movesBytes_fromOnePipeToAnother() throws ShimException {
        try (Splice.Pipe first = Splice.pipe(1 << 16);
                Splice.Pipe second = Splice.pipe(1 << 16)) {
            assertEquals(Splice.AGAIN, Splice.splice(first.readFd(), second.writeFd(), 10, 0));
            assertEquals(1 << 16, first.capacity());
        }
    }

    @Test
    void tellsTheEndOfInput_fromNothingYet() throws ShimException {
        try (SocketFactory factory = SocketFactory.open();
                Splice.Pipe pipe = Splice.pipe(1 << 20)) {
            assertTrue(pipe.capacity() >= 1 << 16);
            ListenSpec spec =
                    new ListenSpec(0, Address.v4Low(0x7f000001), 0, 1, ListenSpec.Transparency.NEVER, false, 0);
            int listener = factory.listenTcp(null, spec);
            Address at = new Address();
            SocketFactory.localAddress(listener, at);
            int client = SocketFactory.fdOf(factory.connectTcp(null, PLAIN, at.high(), at.low(), at.port(), 0, 0));
            int server = NativeLibrary.CALLS.culvert_fdpass_accept(listener, 1000);
            assertEquals(Splice.AGAIN, Splice.splice(server, pipe.writeFd(), 10, Splice.MORE));
            Fds.close(client);
            assertEquals(0, Splice.splice(server, pipe.writeFd(), 10, Splice.MORE));
            Fds.close(server);
            Fds.close(listener);
        }
    }

    @Test
    void namesAMistake() {
        ShimException bad = assertThrows(ShimException.class, () -> Splice.splice(-1, -1, 1, 0));
        assertTrue(bad.is(Errno.EBADF), bad.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Splice.pipe(0));
    }
}
