package io.culvert.agent.telemetry;

import io.culvert.agent.telemetry.log.FieldRecord;
import io.culvert.agent.telemetry.log.FieldSink;
import io.culvert.agent.telemetry.log.LogFields;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The log of DNS queries, under the target {@code dns}.
 *
 * <p>Runs on: any; nothing here blocks.
 */
public final class DnsLog {
    private static final Logger LOG = Logger.getLogger("dns");

    private DnsLog() {}

    /** What became of a query. */
    public enum Result {
        /** The mesh knows the name; without endpoints it has no address of the type. */
        ANSWERED("answered"),
        /** The node's servers answered. */
        FORWARDED("forwarded"),
        /** They did not. */
        FAILED("failed"),
        /** Nothing is known of the pod that asks. */
        CLIENT_UNKNOWN("unknown client");

        private final String label;

        Result(String label) {
            this.label = label;
        }
    }

    /** Whether anything is written; worth asking before a query's fields are gathered. */
    public static boolean isOn() {
        return LOG.isLoggable(Level.FINE);
    }

    /**
     * Tells of a query that was answered.
     *
     * @param client the pod that asked, null when nothing is known of it
     * @param type the type asked for, in capital letters
     * @param domain the name asked for, null where it was not looked at
     * @param endpoints the addresses answered from what the mesh knows
     */
    public static void tell(
            @Nullable Workload client, String type, @Nullable String domain, Result result, List<IpAddress> endpoints) {
        if (isOn()) {
            Entry entry = new Entry(client, type, domain, result, endpoints);
            LOG.log(new FieldRecord(Level.FINE, LOG.getName(), "dns query", entry));
        }
    }

    private record Entry(
            @Nullable Workload client,
            String type,
            @Nullable String domain,
            Result result,
            List<IpAddress> endpoints) implements LogFields {
        private static final int SHOWN_MAX = 16;

        @Override
        public void writeTo(FieldSink sink) {
            if (client != null) {
                sink.text("src.workload", client.name());
                sink.text("src.namespace", client.namespace());
            }
            sink.text("query", type);
            if (domain != null) {
                sink.text("domain", domain);
            }
            sink.text("result", result.label);
            if (!endpoints.isEmpty()) {
                sink.text(
                        "endpoints",
                        endpoints.stream()
                                .limit(SHOWN_MAX)
                                .map(IpAddress::toString)
                                .collect(Collectors.joining(",")));
            }
        }
    }
}
