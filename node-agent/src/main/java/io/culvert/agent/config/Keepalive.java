package io.culvert.agent.config;

import java.time.Duration;

/**
 * TCP keepalive.
 *
 * @param enabled whether it runs
 * @param time idle time before the first probe
 * @param interval time between probes
 * @param retries how many probes may go unanswered
 */
public record Keepalive(boolean enabled, Duration time, Duration interval, int retries) {
    /** How long a dead peer goes unnoticed. */
    public Duration total() {
        return time.plus(interval.multipliedBy(retries));
    }
}
