package io.culvert.agent.telemetry;

import io.culvert.agent.telemetry.log.FieldSink;
import io.culvert.agent.telemetry.log.LogFields;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Policy;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The log's line for a policy in dry-run that was asked about a connection. */
record PolicyTrial(
        Policy policy,
        boolean matched,
        IpPort source,
        @Nullable SpiffeId identity,
        IpPort destination) implements LogFields {
    @Override
    public void writeTo(FieldSink sink) {
        sink.text("policy", policy.key().toString());
        sink.text("action", policy.action().name().toLowerCase(Locale.ROOT));
        sink.text("matched", Boolean.toString(matched));
        sink.plain("src.addr", source.toString());
        if (identity != null) {
            sink.text("src.identity", identity.uri());
        }
        sink.plain("dst.addr", destination.toString());
    }
}
