package io.culvert.agent.pods;

import io.culvert.agent.proxy.PodIdentity;

/**
 * A pod of this node that is to be served.
 *
 * @param identity which workload it is
 * @param netns its network namespace
 */
public record WantedPod(PodIdentity identity, PodNamespace netns) {
    String uid() {
        return identity.uid();
    }

    /** As log lines call it. */
    String name() {
        return identity.namespace() + "/" + identity.name();
    }
}
