package io.culvert.control.file;

import io.culvert.protocol.workload.WorkloadUid;
import java.nio.file.Path;

/**
 * A pod that the agent of its node captures.
 *
 * @param uid the pod's own uid, unique in the file
 * @param workload the workload that it is
 * @param node the node whose agent captures it
 * @param netns absolute path of its network namespace, which need not exist yet
 */
public record LocalPod(String uid, WorkloadUid workload, String node, Path netns) {}
