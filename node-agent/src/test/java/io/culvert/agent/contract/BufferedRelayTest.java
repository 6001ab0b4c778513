package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;

/** The contract of a relay between two plain sockets that get no pipes. */
class BufferedRelayTest extends RelayContract {
    @Override
    RelayPath newPath(RealNet on) {
        return new SocketPath(on, PipelessLoop::new);
    }

    @AfterEach
    void assertNotSpliced() {
        assertEquals(0, net.pipesMade());
    }
}
