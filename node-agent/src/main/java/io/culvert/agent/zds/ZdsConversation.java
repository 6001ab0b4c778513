package io.culvert.agent.zds;

import io.culvert.agent.pods.LocalPods;
import io.culvert.agent.pods.PodNamespace;
import io.culvert.agent.pods.WantedPod;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadEvent;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.protocol.zds.ZdsFault;
import io.culvert.protocol.zds.ZdsProxySession;
import io.culvert.protocol.zds.ZdsSession;
import io.culvert.shim.Errno;
import io.culvert.shim.FdChannel;
import io.culvert.shim.Fds;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a node agent: each event is carried out, then answered, then the next one is read.
 *
 * <p>Runs on: the client's control thread. Bounds: an answer is sent within {@link #CARRY_OUT_MAX}, since a node agent waits for
 * it five seconds; what is not done by then goes on.
 */
final class ZdsConversation {
    private static final System.Logger LOG = System.getLogger(ZdsConversation.class.getName());
    private static final Duration SEND_MAX = Duration.ofSeconds(5);
    private static final Duration CARRY_OUT_MAX = Duration.ofSeconds(4);
    private static final byte[] NOTHING = {};

    private final FdChannel channel;
    private final LocalPods pods;
    private final ZdsProxySession session = new ZdsProxySession();
    /** The living pods, while the snapshot is told. */
    private final Set<String> living = new HashSet<>();

    private final byte[] packet = new byte[ZdsSession.PACKET_BYTES_MAX];
    private boolean live;

    ZdsConversation(FdChannel channel, LocalPods pods) {
        this.channel = channel;
        this.pods = pods;
    }

    /** Whether its snapshot was taken over. */
    boolean isLive() {
        return live;
    }

    /** Goes on until the other end closes, or does wrong; what it did wrong if that is fatal. */
    @Nullable
    ZdsFault run() throws ShimException, InterruptedException {
        // What could not be served so far will be named again, if it lives.
        CompletableFuture<String> _ = pods.removePending();
        channel.send(session.hello(), SEND_MAX);
        while (true) {
            ZdsProxySession.Step step = receive();
            if (step == null) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the node agent closed the connection, pods are served as they are");
                return null;
            }
            int fd = channel.takeFd();
            switch (step) {
                case ZdsProxySession.Step.Deliver(WorkloadEvent event) -> channel.send(answer(event, fd), SEND_MAX);
                case ZdsProxySession.Step.Refuse refused -> {
                    Fds.close(fd);
                    channel.send(refused.reply(), SEND_MAX);
                    LOG.log(
                            System.Logger.Level.ERROR,
                            () -> "the node agent was refused: "
                                    + refused.fault().sentence());
                    switch (refused.fault().consequence()) {
                        case ANSWER -> {}
                        case RECONNECT -> {
                            return null;
                        }
                        case FATAL -> {
                            return refused.fault();
                        }
                    }
                }
            }
        }
    }

    /** The next packet's; null when the other end is gone. */
    private ZdsProxySession.@Nullable Step receive() throws ShimException {
        try {
            int length = channel.receive(ByteBuffer.wrap(packet), null);
            if (length == FdChannel.END) {
                return null;
            }
            int descriptors = channel.hasFd() ? 1 : 0;
            return session.receive(Arrays.copyOf(packet, length), false, descriptors);
        } catch (ShimException e) {
            if (e.is(Errno.EMSGSIZE)) {
                return session.receive(NOTHING, true, 0);
            }
            if (e.is(Errno.EPROTO)) {
                return session.receive(NOTHING, false, 2);
            }
            throw e;
        }
    }

    /** Carries an event out. */
    private byte[] answer(WorkloadEvent event, int fd) throws InterruptedException {
        String problem = switch (event) {
            case WorkloadEvent.Add(PodUid uid, WorkloadInfo info) -> add(uid.value(), info, fd);
            case WorkloadEvent.Keep(PodUid uid) -> keep(uid.value());
            case WorkloadEvent.Delete(PodUid uid) -> delete(uid.value());
            case WorkloadEvent.SnapshotSent sent -> snapshotSent();
        };
        return problem.isEmpty() ? session.ack() : session.nack(problem);
    }

    private String add(String uid, WorkloadInfo info, int fd) throws InterruptedException {
        PodNetns netns;
        try {
            netns = PodNetns.adopt(fd);
        } catch (ShimException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    () -> "pod " + info.namespace() + "/" + info.name() + " came with what is no network namespace: "
                            + e.getMessage());
            return "the descriptor is no network namespace";
        }
        if (!session.snapshotReceived()) {
            living.add(uid);
        }
        PodIdentity identity = new PodIdentity(uid, info.name(), info.namespace(), info.serviceAccount());
        return await(pods.add(new WantedPod(identity, new PodNamespace.Handed(netns))), "the pod is not served yet");
    }

    private String keep(String uid) {
        living.add(uid);
        return "";
    }

    private String delete(String uid) throws InterruptedException {
        if (session.snapshotReceived()) {
            return await(pods.remove(uid), "");
        }
        living.remove(uid);
        return await(pods.removePending(uid), "");
    }

    private String snapshotSent() throws InterruptedException {
        String problem = await(pods.retain(living), "");
        living.clear();
        live = true;
        CompletableFuture<String> _ = pods.allNamed();
        LOG.log(System.Logger.Level.INFO, () -> "the node agent has named all pods of this node");
        return problem;
    }

    private static String await(CompletableFuture<String> outcome, String whenLate) throws InterruptedException {
        try {
            return outcome.get(CARRY_OUT_MAX.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return whenLate;
        } catch (ExecutionException e) {
            return String.valueOf(e.getCause());
        }
    }
}
