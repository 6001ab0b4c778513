package io.culvert.agent.proxy;

import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.net.IpPort;
import org.jspecify.annotations.Nullable;

/**
 * An open connection as dumps show it.
 *
 * @param direction towards the pod or from it
 * @param source who opened it
 * @param originalDestination what the source asked for, as address or hostname; null when it is the actual one
 * @param actualDestination what was connected to
 * @param carriage how it is carried
 */
public record ConnectionView(
        Direction direction,
        IpPort source,
        @Nullable String originalDestination,
        IpPort actualDestination,
        Carriage carriage) {}
