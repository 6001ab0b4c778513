package io.culvert.agent.telemetry;

import io.culvert.agent.telemetry.log.FieldSink;
import io.culvert.agent.telemetry.log.LogFields;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.workload.NamespacedName;
import org.jspecify.annotations.Nullable;

/** The log's line for what the policies say of an inbound connection. */
record PolicyVerdict(
        Decision decision, IpPort source, @Nullable SpiffeId identity, IpPort destination) implements LogFields {
    @Override
    public void writeTo(FieldSink sink) {
        NamespacedName policy = switch (decision) {
            case Decision.Allow allow -> allow.policy();
            case Decision.Deny deny -> deny.policy();
        };
        sink.text("decision", decision instanceof Decision.Allow ? "allow" : "deny");
        if (policy != null) {
            sink.text("policy", policy.toString());
        }
        if (decision instanceof Decision.Deny deny) {
            sink.text("reason", deny.reason());
        }
        sink.plain("src.addr", source.toString());
        if (identity != null) {
            sink.text("src.identity", identity.uri());
        }
        sink.plain("dst.addr", destination.toString());
    }
}
