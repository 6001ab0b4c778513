package io.culvert.agent.telemetry;

import io.culvert.protocol.workload.Service;
import org.jspecify.annotations.Nullable;

/**
 * The service that a connection was meant for; empty texts are unknown.
 *
 * @param hostname DNS name
 * @param namespace namespace
 * @param name short name
 */
public record ServiceLabels(String hostname, String namespace, String name) {
    public static final ServiceLabels UNKNOWN = new ServiceLabels("", "", "");

    /** Of a service, or of none. */
    public static ServiceLabels of(@Nullable Service service) {
        return service == null ? UNKNOWN : new ServiceLabels(service.hostname(), service.namespace(), service.name());
    }
}
