package io.culvert.agent.telemetry;

import io.culvert.agent.telemetry.log.FieldSink;
import io.culvert.agent.telemetry.log.LogFields;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One line of the access log; it holds references only and is written out on the log's own thread.
 *
 * @param facts of the connection
 * @param traffic what it carried, null while it is open
 * @param reset who broke it off, null unless an application did
 * @param error why it ended, null when it ended well or by an application's reset
 */
record AccessEntry(
        ConnectionFacts facts,
        @Nullable Traffic traffic,
        @Nullable String reset,
        @Nullable String error) implements LogFields {
    /** What a connection carried, from client to server and back, and how long it lived. */
    record Traffic(long receivedBytes, long sentBytes, Duration duration) {}

    @Override
    public void writeTo(FieldSink sink) {
        party(sink, "src", facts.source(), null);
        party(sink, "dst", facts.destination(), facts);
        sink.text("direction", facts.direction().label());
        if (traffic != null) {
            boolean inbound = facts.direction() == Direction.INBOUND;
            sink.number("bytes_sent", inbound ? traffic.sentBytes() : traffic.receivedBytes());
            sink.number("bytes_recv", inbound ? traffic.receivedBytes() : traffic.sentBytes());
            sink.text("duration", traffic.duration().toMillis() + "ms");
        }
        if (reset != null) {
            sink.text("reset", reset);
        }
        if (error != null) {
            sink.text("error", error);
        }
    }

    private void party(FieldSink sink, String end, Party party, @Nullable ConnectionFacts destination) {
        sink.plain(end + ".addr", party.address().toString());
        if (destination != null) {
            String authority = destination.hboneAuthority();
            if (authority != null) {
                sink.plain(end + ".hbone_addr", authority);
            }
            known(sink, end + ".service", destination.service().hostname());
        }
        known(sink, end + ".workload", party.name());
        known(sink, end + ".namespace", party.labels().namespace());
        known(sink, end + ".identity", facts.mutualTls() ? party.labels().principal() : "");
        known(sink, end + ".cluster", party.labels().cluster());
    }

    private static void known(FieldSink sink, String key, String value) {
        if (!value.isEmpty()) {
            sink.text(key, value);
        }
    }
}
