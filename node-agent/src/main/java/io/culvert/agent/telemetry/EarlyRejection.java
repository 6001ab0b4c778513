package io.culvert.agent.telemetry;

import io.culvert.agent.telemetry.log.FieldSink;
import io.culvert.agent.telemetry.log.LogFields;
import io.culvert.protocol.net.IpPort;

/** The access log's line for a connection that was refused before anything was known of it. */
record EarlyRejection(IpPort source, IpPort destination, Direction direction, String error) implements LogFields {
    @Override
    public void writeTo(FieldSink sink) {
        sink.plain("src.addr", source.toString());
        sink.plain("dst.addr", destination.toString());
        sink.text("direction", direction.label());
        sink.text("error", error);
    }
}
