package io.culvert.agent.route;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an address, a waypoint or a gateway stands for, once an endpoint is picked. */
sealed interface Upstream {
    /** Nothing is known of it, or its service wants it left alone. */
    Upstream UNKNOWN = new Unknown();

    /**
     * A workload.
     *
     * @param workload the workload
     * @param service the service it was picked from; null when it was addressed itself
     * @param port its port
     * @param ip its address; null when it has none that may be used
     * @param identities what it may prove to be
     */
    record Found(
            Workload workload,
            @Nullable Service service,
            int port,
            @Nullable IpAddress ip,
            List<SpiffeId> identities) implements Upstream {}

    /** See {@link #UNKNOWN}. */
    record Unknown() implements Upstream {}

    /** It is known, and nothing behind it can be used. */
    record Unusable(RefusalReason reason, String detail) implements Upstream {}
}
