package io.culvert.agent.base;

/** Something that is to happen later, unless it is cancelled before. */
@FunctionalInterface
public interface Timer {
    /** Nothing happens any more; without effect once it has happened. */
    void cancel();
}
