package io.culvert.protocol.workload;

/**
 * The primary key of a workload: in Kubernetes {@code <cluster>//Pod/<namespace>/<name>}.
 *
 * @param value 1..1,024 characters
 */
public record WorkloadUid(String value) implements Comparable<WorkloadUid> {
    public static final int LENGTH_MAX = 1_024;

    public WorkloadUid {
        if (value.isEmpty() || value.length() > LENGTH_MAX) {
            throw new IllegalArgumentException(
                    "a workload uid has 1.." + LENGTH_MAX + " characters, not " + value.length());
        }
    }

    @Override
    public int compareTo(WorkloadUid other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
