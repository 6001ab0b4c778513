package io.culvert.agent.base;

/**
 * The monotonic clock that every timeout and duration is measured with.
 *
 * <p>Runs on: any.
 */
@FunctionalInterface
public interface Ticker {
    Ticker SYSTEM = System::nanoTime;

    /** Nanoseconds since an arbitrary origin; only differences mean anything. */
    long nanoTime();
}
