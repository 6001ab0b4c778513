package io.culvert.agent.zds;

/** What became of a pod that was handed over. */
public sealed interface HandOver {
    /** It is served. */
    record Served() implements HandOver {}

    /** The proxy cannot serve it yet, and tries again by itself. */
    record Declined(String reason) implements HandOver {}

    /** No proxy was told; the next one that connects will be. */
    record NobodyTold(String reason) implements HandOver {}
}
