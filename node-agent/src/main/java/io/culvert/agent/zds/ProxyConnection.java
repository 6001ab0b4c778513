package io.culvert.agent.zds;

import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.ZdsNodeSession;
import io.culvert.protocol.zds.ZdsSession;
import io.culvert.shim.Errno;
import io.culvert.shim.FdChannel;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * One proxy that pods are handed to: its hello, then every living pod, then what happens, one event at a time.
 *
 * <p>Runs on: a control thread of its own, which waits in the kernel; {@link #tell} and {@link #close} on any. Owns: the channel.
 *
 * <p>Bounds: {@link #WAITING_MAX} events that wait; {@link #ANSWER_MAX} for each answer. Answers do not say what they answer, so
 * after one that did not come in time the connection is closed, and the next one begins anew.
 */
final class ProxyConnection implements Runnable, AutoCloseable {
    static final int WAITING_MAX = 100;
    private static final System.Logger LOG = System.getLogger(ProxyConnection.class.getName());
    private static final Duration ANSWER_MAX = Duration.ofSeconds(5);
    private static final Duration PROBE = Duration.ofMillis(10);

    /** Something to tell, and who waits for what becomes of it. */
    private record Told(PodUid uid, boolean lives, CompletableFuture<HandOver> outcome) {}

    private final FdChannel channel;
    private final LivingPods pods;
    private final List<PodUid> snapshot;
    private final Duration probeEvery;
    private final Runnable onEnd;
    private final ZdsNodeSession session = new ZdsNodeSession();
    private final byte[] packet = new byte[ZdsSession.PACKET_BYTES_MAX];
    private final BlockingQueue<Told> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private volatile boolean ended;

    /**
     * A connection that is not run yet.
     *
     * @param snapshot the living pods; whatever happens from now on is told to it
     * @param probeEvery how often a silent proxy is looked after
     * @param onEnd told once, when nothing more will be told to it
     */
    ProxyConnection(FdChannel channel, LivingPods pods, List<PodUid> snapshot, Duration probeEvery, Runnable onEnd) {
        this.channel = channel;
        this.pods = pods;
        this.snapshot = snapshot;
        this.probeEvery = probeEvery;
        this.onEnd = onEnd;
    }

    /** Tells it of a pod that lives or does not. */
    CompletableFuture<HandOver> tell(PodUid uid, boolean lives) {
        Told told = new Told(uid, lives, new CompletableFuture<>());
        if (!waiting.offer(told)) {
            told.outcome().complete(new HandOver.NobodyTold("the proxy does not keep up"));
        } else if (ended) {
            refuseWaiting();
        }
        return told.outcome();
    }

    @Override
    public void run() {
        try (channel) {
            if (greeted() && snapshotTold()) {
                goOn();
            }
        } catch (ShimException e) {
            LOG.log(System.Logger.Level.WARNING, () -> "a proxy was lost: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            onEnd.run();
            ended = true;
            refuseWaiting();
        }
    }

    private void refuseWaiting() {
        for (Told told = waiting.poll(); told != null; told = waiting.poll()) {
            told.outcome().complete(new HandOver.NobodyTold("the proxy was lost"));
        }
    }

    private boolean greeted() throws ShimException {
        return receive(ANSWER_MAX) instanceof ZdsNodeSession.Step.Greeted;
    }

    private boolean snapshotTold() throws ShimException {
        for (PodUid uid : snapshot) {
            HandOver outcome = send(uid, true);
            switch (outcome) {
                case HandOver.Served served -> {}
                case HandOver.Declined(String reason) ->
                    LOG.log(System.Logger.Level.INFO, () -> "the proxy does not serve pod " + uid + " yet: " + reason);
                case HandOver.NobodyTold lost -> {
                    return false;
                }
            }
        }
        channel.send(session.request(new WorkloadEvent.SnapshotSent()), ANSWER_MAX);
        return !(answer() instanceof HandOver.NobodyTold);
    }

    private void goOn() throws ShimException, InterruptedException {
        boolean alive = true;
        while (alive) {
            Told told = waiting.poll(probeEvery.toNanos(), TimeUnit.NANOSECONDS);
            if (told == null) {
                alive = isSilent();
            } else {
                alive = tellNow(told);
            }
        }
    }

    private boolean tellNow(Told told) throws ShimException {
        HandOver outcome = new HandOver.NobodyTold("the proxy was lost");
        try {
            outcome = send(told.uid(), told.lives());
        } finally {
            told.outcome().complete(outcome);
        }
        return !(outcome instanceof HandOver.NobodyTold);
    }

    /** A proxy never speaks first: if there is something to read, it is gone or broken. */
    private boolean isSilent() throws ShimException {
        try {
            ZdsNodeSession.Step step = receive(PROBE);
            LOG.log(System.Logger.Level.INFO, () -> "a proxy is gone: " + step);
            return false;
        } catch (ShimException e) {
            if (e.is(Errno.ETIMEDOUT)) {
                return true;
            }
            throw e;
        }
    }

    private HandOver send(PodUid uid, boolean lives) throws ShimException {
        if (!lives) {
            channel.send(session.request(new WorkloadEvent.Delete(uid)), ANSWER_MAX);
            return answer();
        }
        try (LivingPods.Message message = pods.message(uid)) {
            if (message == null) {
                // Gone meanwhile, which is told next.
                return new HandOver.Declined("the pod is gone");
            }
            if (message.event() instanceof WorkloadEvent.Keep && session.isLive()) {
                return new HandOver.Declined("the pod's network namespace is not at hand");
            }
            channel.send(ByteBuffer.wrap(session.request(message.event())), message.fd(), ANSWER_MAX);
        }
        return answer();
    }

    private HandOver answer() throws ShimException {
        return switch (receive(ANSWER_MAX)) {
            case ZdsNodeSession.Step.Acknowledged acknowledged -> new HandOver.Served();
            case ZdsNodeSession.Step.Declined(String reason) -> new HandOver.Declined(reason);
            case ZdsNodeSession.Step.Greeted unexpected -> new HandOver.NobodyTold("the proxy said hello again");
            case ZdsNodeSession.Step.Refuse(var fault) -> {
                LOG.log(System.Logger.Level.WARNING, () -> "a proxy was refused: " + fault.sentence());
                yield new HandOver.NobodyTold(fault.sentence());
            }
        };
    }

    private ZdsNodeSession.Step receive(Duration within) throws ShimException {
        int length = channel.receive(ByteBuffer.wrap(packet), within);
        if (length == FdChannel.END) {
            throw new ShimException("recvmsg", Errno.ECONNRESET);
        }
        return session.receive(Arrays.copyOf(packet, length), false, channel.hasFd() ? 1 : 0);
    }

    /** Ends it; whoever waits is told. */
    @Override
    public void close() {
        channel.close();
        // Wakes it when it waits for something to tell.
        boolean _ = waiting.offer(new Told(new PodUid("-"), false, new CompletableFuture<>()));
    }
}
