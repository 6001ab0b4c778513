package io.culvert.agent.route;

import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import org.jspecify.annotations.Nullable;

/** Where a connection that came in for a local workload goes. */
public sealed interface InboundRoute {
    /**
     * To the application, if policy allows.
     *
     * @param judged the destination that policies are asked about
     * @param target what to connect to
     * @param spoofSource whether to connect from the peer's own address; false over loopback
     * @param proxyHeader the destination that a PROXY header names; null for no header
     * @param service the service that was asked for, when it was asked for by hostname
     */
    record Deliver(
            IpPort judged,
            IpPort target,
            boolean spoofSource,
            @Nullable IpPort proxyHeader,
            @Nullable Service service) implements InboundRoute {}

    /**
     * Nowhere.
     *
     * @param reason why
     * @param status what a CONNECT is answered
     * @param detail what exactly, for the log
     */
    record Refused(RefusalReason reason, int status, String detail) implements InboundRoute {}
}
