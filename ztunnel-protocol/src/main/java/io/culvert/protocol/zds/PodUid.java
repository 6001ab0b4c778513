package io.culvert.protocol.zds;

/**
 * The uid that Kubernetes gave to a pod; not the name of a workload in the mesh.
 *
 * @param value 1..253 characters from {@code !} to {@code ~}
 */
public record PodUid(String value) {
    public static final int LENGTH_MAX = 253;

    public PodUid {
        if (value.isEmpty() || value.length() > LENGTH_MAX) {
            throw new IllegalArgumentException(
                    "a pod's uid has 1.." + LENGTH_MAX + " characters, not " + value.length());
        }
        if (!value.chars().allMatch(c -> c > ' ' && c <= '~')) {
            throw new IllegalArgumentException("a pod's uid has only visible ASCII characters");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
