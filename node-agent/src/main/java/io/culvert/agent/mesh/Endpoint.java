package io.culvert.agent.mesh;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import java.util.List;

/**
 * One workload behind a service.
 *
 * @param workload the workload
 * @param ports its own service port to target port
 * @param identities what it may prove to be when reached through the service: the service's further identities, then its
 *     own. Never means "anyone": an empty list means that nothing it could prove is acceptable
 */
public record Endpoint(Workload workload, PortMap ports, List<SpiffeId> identities) {}
