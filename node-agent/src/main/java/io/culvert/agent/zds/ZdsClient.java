package io.culvert.agent.zds;

import io.culvert.agent.pods.LocalPods;
import io.culvert.protocol.Backoff;
import io.culvert.protocol.zds.ZdsFault;
import io.culvert.shim.FdChannel;
import io.culvert.shim.ShimException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes over pods at a node agent's socket, as the part of a node that serves them: connects, and connects again whenever the
 * connection is lost, while the pods go on being served.
 *
 * <p>Runs on: a control thread of its own. Not a virtual one: it waits in the kernel, where it would keep a carrier from all
 * others. Owns: the connection.
 *
 * <p>Errors: when the two ends do not understand each other it stops and says so, and the process is to end; everything else is
 * tried again, ever more slowly.
 */
public final class ZdsClient implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ZdsClient.class.getName());

    /**
     * How patiently it tries again.
     *
     * @param connect after connections that were refused
     * @param session after connections that ended before their snapshot did
     */
    public record Cadence(Backoff connect, Backoff session) {
        public static final Cadence DEFAULT = new Cadence(
                new Backoff(Duration.ofMillis(20), Duration.ofSeconds(15)),
                new Backoff(Duration.ofMillis(5), Duration.ofSeconds(15)));
    }

    private final Path socket;
    private final LocalPods pods;
    private final Cadence cadence;
    private final DoubleSupplier jitter;
    private final Consumer<ZdsFault> onFatal;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread = Thread.ofPlatform().daemon().name("ctl-zds").unstarted(this::run);
    private volatile @Nullable FdChannel current;

    /**
     * A client that is not started yet.
     *
     * @param jitter random numbers in [0, 1)
     * @param onFatal told once, before it stops: the process is to end without draining
     */
    public ZdsClient(Path socket, LocalPods pods, Cadence cadence, DoubleSupplier jitter, Consumer<ZdsFault> onFatal) {
        this.socket = socket;
        this.pods = pods;
        this.cadence = cadence;
        this.jitter = jitter;
        this.onFatal = onFatal;
    }

    public void start() {
        thread.start();
    }

    private void run() {
        int failures = 0;
        while (!isClosed()) {
            FdChannel channel = connect();
            if (channel == null) {
                return;
            }
            ZdsConversation conversation = new ZdsConversation(channel, pods);
            ZdsFault fatal = converse(channel, conversation);
            pods.namerLost();
            if (fatal != null) {
                LOG.log(System.Logger.Level.ERROR, () -> socket + ": " + fatal.sentence() + "; the agent ends");
                onFatal.accept(fatal);
                return;
            }
            failures = conversation.isLive() ? 0 : failures + 1;
            pause(failures == 0 ? Duration.ZERO : cadence.session().delay(failures, jitter.getAsDouble()));
        }
    }

    /** Tries until it succeeds; null when it is over. */
    private @Nullable FdChannel connect() {
        for (int failures = 1; !isClosed(); failures++) {
            try {
                FdChannel channel = FdChannel.connect(socket);
                LOG.log(System.Logger.Level.INFO, () -> "connected to " + socket + ": pods will be handed over");
                return channel;
            } catch (ShimException e) {
                System.Logger.Level level = failures == 1 ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG;
                LOG.log(level, () -> "pods cannot be handed over yet, trying again: " + e.getMessage());
                pause(cadence.connect().delay(failures, jitter.getAsDouble()));
            }
        }
        return null;
    }

    /** Until the connection ends; what was fatal, if anything. */
    private @Nullable ZdsFault converse(FdChannel channel, ZdsConversation conversation) {
        try (channel) {
            current = channel;
            return isClosed() ? null : conversation.run();
        } catch (ShimException e) {
            if (!isClosed()) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "the connection to " + socket + " was lost, pods are served as they are: "
                                + e.getMessage());
            }
            return null;
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a fault in the agent broke the connection to " + socket, e);
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        } finally {
            current = null;
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private void pause(Duration time) {
        try {
            boolean _ = closed.await(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
        }
    }

    /** Stops taking over pods; those taken over are served on. */
    @Override
    public void close() {
        closed.countDown();
        FdChannel open = current;
        if (open != null) {
            open.close();
        }
    }
}
