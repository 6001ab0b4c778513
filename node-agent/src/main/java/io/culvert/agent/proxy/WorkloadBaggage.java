package io.culvert.agent.proxy;

import io.culvert.protocol.hbone.Baggage;
import io.culvert.protocol.workload.Workload;
import java.util.Locale;

/** What we tell peers of a workload, for their telemetry. */
final class WorkloadBaggage {
    private WorkloadBaggage() {}

    static String of(Workload workload) {
        return new Baggage(
                        workload.clusterId(),
                        workload.namespace(),
                        workload.type().name().toLowerCase(Locale.ROOT),
                        workload.workloadName(),
                        workload.canonicalName(),
                        workload.canonicalRevision(),
                        workload.locality().region(),
                        workload.locality().zone())
                .format();
    }
}
