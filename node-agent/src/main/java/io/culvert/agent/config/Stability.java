package io.culvert.agent.config;

/** How far a setting can be relied on in later versions. */
public enum Stability {
    /** Kept, or changed only with a release of notice. */
    STABLE,
    /** Made for tests and experiments; may change at any time. */
    EXPERIMENTAL
}
