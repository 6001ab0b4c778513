package io.culvert.agent.telemetry;

import io.culvert.agent.base.Ticker;
import org.jspecify.annotations.Nullable;

/**
 * What one connection did: counted as it goes, told once when it ends.
 *
 * <p>Runs on: one loop, the connection's own.
 */
public final class ConnectionRecord {
    private final ConnectionFacts facts;
    private final ConnectionCounters counters;
    private final Telemetry telemetry;
    private final long openedNanos;
    private long receivedBytes;
    private long sentBytes;
    private boolean established;
    private boolean closed;

    ConnectionRecord(ConnectionFacts facts, ConnectionCounters counters, Telemetry telemetry, Ticker ticker) {
        this.facts = facts;
        this.counters = counters;
        this.telemetry = telemetry;
        this.openedNanos = ticker.nanoTime();
        counters.opened();
    }

    /** Both ends are there: what ends it from now on ends what was open. */
    public void established() {
        established = true;
    }

    /** Counts bytes that went from the client towards the server, whichever end is ours. */
    public void received(long bytes) {
        receivedBytes += bytes;
        counters.received(bytes);
    }

    /** Counts bytes that went from the server towards the client, whichever end is ours. */
    public void sent(long bytes) {
        sentBytes += bytes;
        counters.sent(bytes);
    }

    public ConnectionFacts facts() {
        return facts;
    }

    public long receivedBytes() {
        return receivedBytes;
    }

    public long sentBytes() {
        return sentBytes;
    }

    public boolean isClosed() {
        return closed;
    }

    /**
     * Ends the record: counters and one line in the access log. Only the first call has an effect.
     *
     * @param reason why
     * @param detail what exactly, such as the policy or the system's error; it goes to the log only
     * @return whether this call was the first
     */
    public boolean close(CloseReason reason, @Nullable String detail) {
        if (closed) {
            return false;
        }
        closed = true;
        counters.closed(reason, established);
        telemetry.closed(this, openedNanos, reason, detail);
        return true;
    }
}
