package io.culvert.control.file;

import io.culvert.protocol.identity.TrustDomain;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Loads a {@code mesh.yaml} and keeps watching it: every edit that changes its outcome is published, a bad one as a
 * rejection, so that whoever listens keeps what was good.
 *
 * <p>It survives editors that replace the file by renaming, Kubernetes' exchange of symbolic links, and the file or its
 * directory going away and coming back. A file is read when it stopped changing for a moment, and again if it changed
 * while it was read.
 *
 * <p>Runs on: its own virtual thread, which also calls the listener; {@link #start()} calls it on the caller's.
 *
 * <p>Owns: that thread and an inotify descriptor, until {@link #close()}.
 *
 * <p>Bounds: a change is published within {@link Cadence#poll} and {@link Cadence#settle} together, or at once where the
 * system notifies; a file that never stops changing is rejected after {@value #SETTLE_ATTEMPTS_MAX} looks.
 */
public final class MeshFileSource implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(MeshFileSource.class.getName());
    private static final int SETTLE_ATTEMPTS_MAX = 50;

    private final Path file;
    private final Cadence cadence;
    private final Consumer<MeshFileUpdate> listener;
    private final InstantSource clock;
    private final MeshFileLoader loader;
    private final FileChanges changes;
    private @Nullable FileStamp seen;
    private String lastFault = "";
    private volatile @Nullable Thread watcher;

    /**
     * How often and how patiently it looks.
     *
     * @param poll how long a change may go unnoticed where the system notifies nobody
     * @param settle how long the file must stay the same before it is read
     */
    public record Cadence(Duration poll, Duration settle) {
        public static final Cadence DEFAULT = new Cadence(Duration.ofMillis(500), Duration.ofMillis(50));

        public Cadence {
            if (poll.compareTo(Duration.ofMillis(10)) < 0 || settle.isNegative()) {
                throw new IllegalArgumentException("the file is polled every 10 ms at most");
            }
        }
    }

    /**
     * Does not touch the file yet.
     *
     * @param byDefault what the file's section {@code mesh} leaves open
     * @param certified the trust domain that certificates can be had for, another one makes a bad file; null for any
     */
    public MeshFileSource(
            Path file,
            Cadence cadence,
            MeshFile.Settings byDefault,
            @Nullable TrustDomain certified,
            InstantSource clock,
            Consumer<MeshFileUpdate> listener) {
        this.file = file;
        this.cadence = cadence;
        this.listener = listener;
        this.clock = clock;
        this.loader = new MeshFileLoader(file, byDefault, certified, clock);
        this.changes = new FileChanges(file);
    }

    /**
     * Reads the file once it has settled, publishes the outcome to the listener, begins to watch, and returns the outcome: what
     * to do about a bad or missing file at start is the caller's choice. A file in the middle of being written is no good at
     * start either: pods that it does not name yet would be taken for ones that left.
     *
     * <p>To be called once.
     */
    public MeshFileUpdate start() {
        if (watcher != null) {
            throw new IllegalStateException("the source was started already");
        }
        MeshFileUpdate first = null;
        try {
            first = changed();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (first == null) {
            first = loader.rejected("reading it was broken off", "start the agent again");
        }
        publish(loader.news(first));
        watcher = Thread.ofVirtual().name("ctl-mesh-file").start(this::watch);
        return first;
    }

    private void watch() {
        try {
            while (changes.await(cadence.poll())) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() throws InterruptedException {
        MeshFileUpdate update = changed();
        publish(update == null ? null : loader.news(update));
    }

    /** What there is since the last look, if anything. A fault of ours must not end this in silence: it is tried again. */
    private @Nullable MeshFileUpdate changed() throws InterruptedException {
        try {
            FileStamp now = FileStamp.of(file);
            return now.equals(seen) ? null : settled(now);
        } catch (RuntimeException e) {
            return fault(e);
        }
    }

    /** Logged once, also where the same happens at every look. */
    private MeshFileUpdate fault(RuntimeException e) {
        if (!e.toString().equals(lastFault)) {
            lastFault = e.toString();
            LOG.log(System.Logger.Level.ERROR, file + " could not be read because of a fault in the agent", e);
        }
        return loader.rejected("a fault in the agent: " + e, "change the file, and report this");
    }

    /** Reads the file once it has settled; null when the source is closed meanwhile. */
    private @Nullable MeshFileUpdate settled(FileStamp first) throws InterruptedException {
        FileStamp now = first;
        for (int attempt = 0; attempt < SETTLE_ATTEMPTS_MAX; attempt++) {
            boolean rested = attempt == 0 && now.hasRested(cadence.settle(), clock.instant());
            if (!rested && !changes.pause(cadence.settle())) {
                return null;
            }
            FileStamp later = FileStamp.of(file);
            if (later.equals(now)) {
                MeshFileUpdate update = loader.read();
                if (FileStamp.of(file).equals(later)) {
                    seen = later;
                    return update;
                }
            }
            now = later;
        }
        return loader.rejected("the file never stops changing", "write it beside its place and rename it");
    }

    private void publish(@Nullable MeshFileUpdate update) {
        if (update == null) {
            return;
        }
        try {
            listener.accept(update);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a listener failed on an update of " + file, e);
        }
    }

    /** Stops watching; the listener is not called again once it returns. */
    @Override
    public void close() {
        changes.close();
        Thread thread = watcher;
        if (thread != null && thread != Thread.currentThread()) {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
