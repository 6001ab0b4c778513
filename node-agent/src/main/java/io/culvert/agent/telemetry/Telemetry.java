package io.culvert.agent.telemetry;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.telemetry.log.FieldRecord;
import io.culvert.agent.telemetry.log.LogFields;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.Policy;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Where connections are reported: every one that is opened, counted and closed, or refused before it was one.
 *
 * <p>Runs on: any; nothing here blocks.
 */
public final class Telemetry {
    private static final Logger ACCESS = Logger.getLogger("access");
    private static final Logger POLICY = Logger.getLogger("policy");

    private final Metrics metrics;
    private final Ticker ticker;
    private final Level decisionLevel;

    public Telemetry(Metrics metrics, Ticker ticker) {
        this(metrics, ticker, false);
    }

    /**
     * Reports to these metrics and the log.
     *
     * @param tellsDecisions whether decisions of policies are worth telling rather than a detail
     */
    public Telemetry(Metrics metrics, Ticker ticker, boolean tellsDecisions) {
        this.metrics = metrics;
        this.ticker = ticker;
        this.decisionLevel = tellsDecisions ? Level.INFO : Level.FINE;
    }

    public Metrics metrics() {
        return metrics;
    }

    /** A connection of which enough is known to label it; from here on it must be closed exactly once. */
    public ConnectionRecord open(ConnectionFacts facts) {
        if (ACCESS.isLoggable(Level.FINE)) {
            write(Level.FINE, "connection opened", new AccessEntry(facts, null, null, null));
        }
        return new ConnectionRecord(facts, metrics.traffic(facts.labels()), this, ticker);
    }

    /** A connection that was refused before enough was known to open a record for it. */
    public void refused(
            Direction direction, IpPort source, IpPort destination, CloseReason reason, @Nullable String detail) {
        metrics.connectionEnded(reason);
        if (ACCESS.isLoggable(Level.WARNING)) {
            String error = error(reason, detail);
            write(Level.WARNING, "connection failed", new EarlyRejection(source, destination, direction, error));
        }
    }

    /** What the policies say of an inbound connection. */
    public void decided(Decision decision, IpPort source, @Nullable SpiffeId identity, IpPort destination) {
        if (POLICY.isLoggable(decisionLevel)) {
            PolicyVerdict verdict = new PolicyVerdict(decision, source, identity, destination);
            POLICY.log(new FieldRecord(decisionLevel, POLICY.getName(), "policy decision", verdict));
        }
    }

    /** What a policy in dry-run would have said of a connection, which it does not decide. */
    public void dryRun(Policy policy, boolean matched, IpPort source, @Nullable SpiffeId identity, IpPort destination) {
        metrics.policyDryRun(policy, matched);
        boolean wouldRefuse = matched == (policy.action() == Policy.Action.DENY);
        Level level = wouldRefuse ? Level.INFO : Level.FINE;
        if (POLICY.isLoggable(level)) {
            PolicyTrial trial = new PolicyTrial(policy, matched, source, identity, destination);
            POLICY.log(new FieldRecord(level, POLICY.getName(), "policy in dry-run", trial));
        }
    }

    void closed(ConnectionRecord connection, long openedNanos, CloseReason reason, @Nullable String detail) {
        metrics.connectionEnded(reason);
        Level level = reason == CloseReason.NORMAL || reason.isReset() ? Level.INFO : Level.SEVERE;
        if (!ACCESS.isLoggable(level)) {
            return;
        }
        Duration duration = Duration.ofNanos(ticker.nanoTime() - openedNanos);
        AccessEntry.Traffic traffic =
                new AccessEntry.Traffic(connection.receivedBytes(), connection.sentBytes(), duration);
        String told = reason == CloseReason.NORMAL ? null : error(reason, detail);
        AccessEntry entry = reason.isReset()
                ? new AccessEntry(connection.facts(), traffic, told, null)
                : new AccessEntry(connection.facts(), traffic, null, told);
        write(level, "connection complete", entry);
    }

    private static String error(CloseReason reason, @Nullable String detail) {
        return detail == null ? reason.text() : reason.text() + ": " + detail;
    }

    private static void write(Level level, String message, LogFields fields) {
        ACCESS.log(new FieldRecord(level, ACCESS.getName(), message, fields));
    }
}
