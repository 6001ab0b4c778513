package io.culvert.agent.telemetry;

import org.jspecify.annotations.Nullable;

/**
 * What is known of a connection when it opens.
 *
 * <p>The destination's address is the TCP peer dialled for an outbound connection, and the HBONE socket that a tunnel
 * came in on for an inbound one.
 *
 * @param direction our end
 * @param source the end that opened it
 * @param destination the end that serves it
 * @param service the service it was meant for
 * @param mutualTls whether it is carried in a tunnel
 * @param hboneAuthority the authority of its CONNECT, null outside a tunnel
 */
public record ConnectionFacts(
        Direction direction,
        Party source,
        Party destination,
        ServiceLabels service,
        boolean mutualTls,
        @Nullable String hboneAuthority) {
    public TrafficLabels labels() {
        return new TrafficLabels(direction, source.labels(), destination.labels(), service, mutualTls);
    }
}
