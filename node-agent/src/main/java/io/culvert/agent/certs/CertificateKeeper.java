package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one identity's certificate fresh: fetches it, renews it at half of the life that it had left when it came (it
 * starts in the past), retries with a bounded backoff.
 *
 * <p>The clock is looked at every second, so that a clock set forward or back is noticed, not slept through.
 *
 * <p>Runs on: its own virtual thread; {@link #current} on any.
 */
public final class CertificateKeeper {
    private static final System.Logger LOG = System.getLogger(CertificateKeeper.class.getName());
    private static final Duration BACKOFF_FIRST = Duration.ofSeconds(1);
    private static final Duration BACKOFF_MAX = Duration.ofSeconds(15);
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /**
     * What all keepers share.
     *
     * @param ca who signs
     * @param lifetime the validity asked for
     * @param clock the time of day
     * @param jitter 0..1, spreads retries
     * @param calls how many requests may be under way at once
     */
    public record Surroundings(
            CaClient ca, Duration lifetime, InstantSource clock, DoubleSupplier jitter, Semaphore calls) {}

    private final SpiffeId id;
    private final Surroundings surroundings;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition stopping = lock.newCondition();
    private final List<Consumer<TlsMaterial>> waiters = new ArrayList<>();
    private volatile @Nullable TlsMaterial material;
    private volatile Instant renewAt = Instant.MIN;
    private volatile @Nullable String problem;
    private boolean stopped;
    private boolean refreshing;

    private CertificateKeeper(SpiffeId id, Surroundings surroundings) {
        this.id = id;
        this.surroundings = surroundings;
    }

    static CertificateKeeper start(SpiffeId id, Surroundings surroundings) {
        CertificateKeeper keeper = new CertificateKeeper(id, surroundings);
        Thread.ofVirtual().name("ctl-cert-" + id.serviceAccount()).start(keeper::run);
        return keeper;
    }

    private void run() {
        Duration backoff = BACKOFF_FIRST;
        while (!isStopped()) {
            if (fetch()) {
                backoff = BACKOFF_FIRST;
                awaitRenewal();
            } else {
                pause(backoff.multipliedBy(
                                (long) (800 + 400 * surroundings.jitter().getAsDouble()))
                        .dividedBy(1_000));
                Duration doubled = backoff.multipliedBy(2);
                backoff = doubled.compareTo(BACKOFF_MAX) > 0 ? BACKOFF_MAX : doubled;
            }
        }
    }

    private boolean fetch() {
        try {
            surroundings.calls().acquire();
            try {
                WorkloadKey key = WorkloadKey.generate(id);
                CaClient.Issued issued = surroundings.ca().issue(id, key.csr(), surroundings.lifetime());
                publish(TlsMaterial.build(id, key.privateKey(), issued, surroundings.clock()));
                return true;
            } finally {
                surroundings.calls().release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop();
            return false;
        } catch (CaClient.IssueException | GeneralSecurityException | SSLException | RuntimeException e) {
            problem = String.valueOf(e.getMessage());
            LOG.log(System.Logger.Level.WARNING, () -> "no certificate for " + id + ": " + problem);
            return false;
        }
    }

    private void publish(TlsMaterial fresh) {
        List<Consumer<TlsMaterial>> told;
        Instant now = surroundings.clock().instant();
        renewAt = now.plus(Duration.between(now, fresh.notAfter()).dividedBy(2));
        lock.lock();
        try {
            material = fresh;
            problem = null;
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

    /** Returns when it is time to renew, or as soon as the clock says that the certificate is not valid yet. */
    private void awaitRenewal() {
        // The look comes first, so that a certificate with useless dates is not fetched in a tight loop.
        do {
            pause(Duration.ofNanos(LOOK_NANOS));
        } while (!isStopped() && !isDue());
    }

    private boolean isDue() {
        TlsMaterial held = material;
        Instant now = surroundings.clock().instant();
        return held == null || now.isBefore(held.notBefore()) || !now.isBefore(renewAt) || takeRefresh();
    }

    /** Fetches anew at the next look. */
    void refresh() {
        lock.lock();
        try {
            refreshing = true;
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

    private void pause(Duration duration) {
        lock.lock();
        try {
            long left = duration.toNanos();
            while (!stopped && left > 0) {
                left = stopping.awaitNanos(left);
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
            stopping.signalAll();
            waiters.clear();
        } finally {
            lock.unlock();
        }
    }
}
