package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The contract of a relay between two plain sockets, through pipes. */
class SocketRelayTest extends RelayContract {
    @Override
    RelayPath newPath(RealNet on) {
        return new SocketPath(on);
    }

    @Test
    void borrowsAPipe_whileBytesMove() throws IOException {
        Ends ends = connect();
        assertEquals(0, net.pipesLent());
        ends.client().send("question");
        assertEquals("question", ends.server().read(8));
        assertEquals(1, net.pipesMade(), "the bytes went through a pipe");
        assertEquals(0, net.pipesLent());
    }
}
