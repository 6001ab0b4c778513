package io.culvert.agent.pods;

import io.culvert.agent.proxy.PodIdentity;
import io.culvert.protocol.workload.WorkloadUid;
import java.nio.file.Path;

/**
 * A pod of this node that is to be served.
 *
 * @param identity which workload it is
 * @param workload that workload's uid
 * @param netns its network namespace; the path may not exist yet
 */
public record WantedPod(PodIdentity identity, WorkloadUid workload, Path netns) {}
