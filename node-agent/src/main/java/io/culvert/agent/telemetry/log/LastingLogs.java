package io.culvert.agent.telemetry.log;

import java.util.logging.LogManager;

/**
 * The logging framework's manager, which the JVM makes by the name in a system property; it keeps the log whole while
 * the process drains in a shutdown hook.
 *
 * <p>Source: {@link LogManager} resets itself in a shutdown hook of its own, and hooks run side by side.
 */
public final class LastingLogs extends LogManager {
    static final String PROPERTY = "java.util.logging.manager";
    private static volatile boolean kept;

    /** Whether resets are ignored from now on. */
    static void keep(boolean keep) {
        kept = keep;
    }

    @Override
    public void reset() {
        if (!kept) {
            super.reset();
        }
    }
}
