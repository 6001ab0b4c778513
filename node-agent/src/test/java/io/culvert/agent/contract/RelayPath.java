package io.culvert.agent.contract;

import io.culvert.protocol.net.IpPort;
import java.util.List;

/** How bytes get from one application to another: one relay, or two with a tunnel between them. */
interface RelayPath extends AutoCloseable {
    /**
     * Relays between the application that connected here and one that it is to be connected with.
     *
     * @param fd owned by the path
     * @return what becomes of each relay on the way
     */
    List<Outcome> relay(int fd, IpPort target);

    /** What of one connection may wait in buffers of the agent, all relays together. */
    long waitingBytesMax();

    @Override
    void close();
}
