package io.culvert.agent.admin;

import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.net.IpPort;
import org.jspecify.annotations.Nullable;

/**
 * One open connection.
 *
 * @param direction our end
 * @param source who opened it
 * @param originalDestination what the application asked for; for an inbound one, the name it was asked for by, if any
 * @param actualDestination whom it reaches
 * @param carriage how it is carried
 */
public record ConnectionView(
        Direction direction,
        IpPort source,
        @Nullable String originalDestination,
        IpPort actualDestination,
        Carriage carriage) {}
