package io.culvert.agent.certs;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.Backoff;
import io.culvert.protocol.identity.RenewalSchedule;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.ValidityWindow;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one identity's certificate fresh: fetches it, renews it at about half of the life that it had left when it came (it
 * starts in the past), retries with a bounded backoff: at once, though not more than once a second, when a connection comes to
 * wait or when the authority, which was away, answers somebody else.
 *
 * <p>Both clocks are looked at every second, so that a time of day set forward or back is noticed, and postpones nothing.
 *
 * <p>Runs on: its own virtual thread; {@link #current} on any.
 *
 * <p>Errors: a failed renewal keeps the certificate that is still valid.
 */
public final class CertificateKeeper {
    private static final System.Logger LOG = System.getLogger(CertificateKeeper.class.getName());
    private static final RenewalSchedule SCHEDULE =
            new RenewalSchedule(new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(15)));
    private static final Duration LOOK = Duration.ofSeconds(1);

    /**
     * What all keepers share.
     *
     * @param ca who signs
     * @param lifetime the validity asked for
     * @param clock the time of day
     * @param ticker the time that nobody sets
     * @param jitter within [0, 1), spreads renewals and retries
     * @param calls how many requests may be under way at once, and which first
     * @param crl what of the peers' certificates was taken back
     * @param tls how tunnels speak TLS
     */
    public record Surroundings(
            CaClient ca,
            Duration lifetime,
            InstantSource clock,
            Ticker ticker,
            DoubleSupplier jitter,
            CallGate calls,
            CrlStore crl,
            TlsProfile tls) {}

    private final SpiffeId id;
    private final Surroundings surroundings;
    private final Runnable issued;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Consumer<TlsMaterial>> waiters = new ArrayList<>();
    private volatile @Nullable TlsMaterial material;
    private volatile @Nullable String problem;
    private volatile CaClient.IssueException.@Nullable Kind failure;
    private boolean stopped;
    private boolean refreshing;
    private boolean hurried;

    // Of the keeper's thread alone.
    private int failures;
    private Instant due = Instant.MIN;
    private long plannedNanos;
    private long waitNanos;

    /**
     * A keeper that does nothing by itself yet.
     *
     * @param issued told whenever the authority issued a certificate
     */
    CertificateKeeper(SpiffeId id, Surroundings surroundings, Runnable issued) {
        this.id = id;
        this.surroundings = surroundings;
        this.issued = issued;
    }

    static CertificateKeeper start(SpiffeId id, Surroundings surroundings, Runnable issued) {
        CertificateKeeper keeper = new CertificateKeeper(id, surroundings, issued);
        Thread.ofVirtual().name("ctl-cert-" + id.serviceAccount()).start(keeper::run);
        return keeper;
    }

    private void run() {
        while (!isStopped()) {
            look();
            pause();
        }
    }

    /** Fetches if it is time to. */
    void look() {
        if (!takeRefresh() && !isDue() && !takeHurry()) {
            return;
        }
        boolean fetched = fetch();
        TlsMaterial held = material;
        Instant now = surroundings.clock().instant();
        double jitter = surroundings.jitter().getAsDouble();
        // A certificate that is not valid yet by our clock is no reason to ask for one every second.
        if (fetched && held != null && !now.isBefore(held.notBefore())) {
            failures = 0;
            plan(now, SCHEDULE.renewAt(new ValidityWindow(now, held.notAfter()), now, jitter));
        } else {
            failures++;
            plan(
                    now,
                    held == null
                            ? SCHEDULE.retryAt(now, failures, jitter)
                            : SCHEDULE.retryAt(windowOf(held), now, failures, jitter));
        }
    }

    private static ValidityWindow windowOf(TlsMaterial held) {
        return new ValidityWindow(held.notBefore(), held.notAfter());
    }

    private void plan(Instant now, Instant next) {
        due = next;
        plannedNanos = surroundings.ticker().nanoTime();
        waitNanos = Duration.between(now, next).toNanos();
    }

    private boolean isDue() {
        Instant now = surroundings.clock().instant();
        TlsMaterial held = material;
        boolean setBack = failures == 0 && held != null && now.isBefore(held.notBefore());
        return setBack || !now.isBefore(due) || surroundings.ticker().nanoTime() - plannedNanos >= waitNanos;
    }

    private boolean fetch() {
        try {
            surroundings.calls().enter(this::priority);
            try {
                if (isStopped()) {
                    // Nobody wanted it any more by the time its turn came.
                    return false;
                }
                WorkloadKey key = WorkloadKey.generate(id);
                CaClient.Issued answer = surroundings.ca().issue(id, key.csr(), surroundings.lifetime());
                publish(TlsMaterial.build(
                        id, key.privateKey(), answer, surroundings.clock(), surroundings.crl(), surroundings.tls()));
            } finally {
                surroundings.calls().leave();
            }
            failure = null;
            issued.run();
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop();
            return false;
        } catch (CaClient.IssueException | GeneralSecurityException | SSLException | RuntimeException e) {
            failure =
                    e instanceof CaClient.IssueException known ? known.kind() : CaClient.IssueException.Kind.BAD_ANSWER;
            String now = String.valueOf(e.getMessage());
            boolean news = !now.equals(problem);
            problem = now;
            LOG.log(
                    news ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
                    () -> "no certificate for " + id + ": " + now);
            return false;
        }
    }

    private void publish(TlsMaterial fresh) {
        List<Consumer<TlsMaterial>> told;
        lock.lock();
        try {
            material = fresh;
            problem = null;
            hurried = false;
            told = List.copyOf(waiters);
            waiters.clear();
        } finally {
            lock.unlock();
        }
        for (Consumer<TlsMaterial> waiter : told) {
            try {
                waiter.accept(fresh);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "a connection could not be told of a certificate", e);
            }
        }
    }

    /** Fetches anew at the next look. */
    void refresh() {
        lock.lock();
        try {
            refreshing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean takeRefresh() {
        lock.lock();
        try {
            boolean wanted = refreshing;
            refreshing = false;
            return wanted;
        } finally {
            lock.unlock();
        }
    }

    private CallGate.Priority priority() {
        if (current() != null) {
            return CallGate.Priority.BACKGROUND;
        }
        lock.lock();
        try {
            return waiters.isEmpty() ? CallGate.Priority.WARMUP : CallGate.Priority.REAL_TIME;
        } finally {
            lock.unlock();
        }
    }

    /** The authority answers again: does not wait for the end of the backoff if it was away when it was asked last. */
    void authorityIsBack() {
        if (failure == CaClient.IssueException.Kind.UNREACHABLE) {
            hurry();
        }
    }

    private void hurry() {
        lock.lock();
        try {
            hurried = true;
        } finally {
            lock.unlock();
        }
    }

    /** Whether to ask again before the backoff is over, though not more than once a second. */
    private boolean takeHurry() {
        lock.lock();
        try {
            boolean wanted =
                    hurried && failures > 0 && surroundings.ticker().nanoTime() - plannedNanos >= LOOK.toNanos();
            hurried &= !wanted;
            return wanted;
        } finally {
            lock.unlock();
        }
    }

    private void pause() {
        lock.lock();
        try {
            long left = LOOK.toNanos();
            while (!stopped && !refreshing && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            stopped = true;
        } finally {
            lock.unlock();
        }
    }

    /** What is in force now; null when nothing is valid. */
    @Nullable
    TlsMaterial current() {
        TlsMaterial held = material;
        return held == null || surroundings.clock().instant().isAfter(held.notAfter()) ? null : held;
    }

    /** Calls back once; the answer withdraws the wish. */
    Runnable whenAvailable(Consumer<TlsMaterial> then) {
        TlsMaterial held;
        lock.lock();
        try {
            held = current();
            if (held == null) {
                waiters.add(then);
                hurried = true;
                return () -> withdraw(then);
            }
        } finally {
            lock.unlock();
        }
        then.accept(held);
        return () -> {};
    }

    private void withdraw(Consumer<TlsMaterial> then) {
        lock.lock();
        try {
            waiters.remove(then);
        } finally {
            lock.unlock();
        }
    }

    CertificateStatus status() {
        return new CertificateStatus(id, current(), problem);
    }

    private boolean isStopped() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    void stop() {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
            waiters.clear();
        } finally {
            lock.unlock();
        }
    }
}
