package io.culvert.protocol.zds;

/**
 * What happened to a pod of this node. First every living pod is told, by {@link Add} or {@link Keep}, then {@link
 * SnapshotSent}, then changes as they come.
 */
public sealed interface WorkloadEvent {
    /**
     * It is to be served; its network namespace travels beside the event.
     *
     * <p>The same pod in the same namespace again changes nothing, in another one it is replaced.
     */
    record Add(PodUid uid, WorkloadInfo info) implements WorkloadEvent {}

    /** It lives, but its network namespace is not at hand: whoever serves it goes on. */
    record Keep(PodUid uid) implements WorkloadEvent {}

    /** It is gone. */
    record Delete(PodUid uid) implements WorkloadEvent {}

    /** Every living pod was told; a pod that was not is gone. */
    record SnapshotSent() implements WorkloadEvent {}
}
