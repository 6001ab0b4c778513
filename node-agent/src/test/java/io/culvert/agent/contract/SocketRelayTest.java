package io.culvert.agent.contract;

/** The contract of a relay between two plain sockets. */
class SocketRelayTest extends RelayContract {
    @Override
    RelayPath newPath(RealNet on) {
        return new SocketPath(on);
    }
}
