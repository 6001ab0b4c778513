package io.culvert.agent.config;

/** Who says which pods an agent serves. */
public enum PodSource {
    /** Whoever sees pods come and go, at the pods socket; the redirect rules are theirs too. */
    PODS_SOCKET,
    /** The mesh file; the redirect rules are ours. */
    MESH_FILE,
    /** Nobody: it serves the network namespace that it runs in, whose redirect rules are whoever's started it there. */
    OWN_NAMESPACE
}
