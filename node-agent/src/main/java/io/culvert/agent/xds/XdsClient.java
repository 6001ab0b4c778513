package io.culvert.agent.xds;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.grpc.OpenChannel;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.XdsTermination;
import io.culvert.protocol.Backoff;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.Node;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.xds.ConversionFault;
import io.culvert.protocol.xds.Converted;
import io.culvert.protocol.xds.DeltaSession;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.protocol.xds.ResponseReader;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Follows a control plane: keeps a stream open, and makes snapshots of what it tells, each of as many responses as came until it
 * was due. What cannot be taken is reported by name and keeps nothing else back; what is known stays known while there is no
 * stream. Every response has one reply, in their order, when what it told is in force.
 *
 * <p>Runs on: its own control thread, the mesh's one writer; {@link #demand} and {@link #ask} on any. Owns: that thread and the
 * stream.
 *
 * <p>Bounds: responses of {@link #MESSAGE_BYTES_MAX}; {@link #REPLIES_MAX} wait for a publication; {@link #DEMANDS_MAX} wait at once, each {@link #DEMAND_PATIENCE}; retries
 * from 10 ms to 15 s.
 */
public final class XdsClient implements MeshDemand, AutoCloseable {
    /** How large a response may be; for the link. */
    public static final int MESSAGE_BYTES_MAX = 200 << 20;
    /** How many responses may be in the next snapshot before it is due. */
    static final int REPLIES_MAX = 1_000;
    /** How many may wait for resources on demand. */
    public static final int DEMANDS_MAX = 1_000;
    /** How long each of them does. */
    public static final Duration DEMAND_PATIENCE = Duration.ofSeconds(5);

    private static final System.Logger LOG = System.getLogger(XdsClient.class.getName());
    private static final Backoff BACKOFF = new Backoff(Duration.ofMillis(10), Duration.ofSeconds(15));
    /** A stream that took something and held as long ends a row of failures. */
    private static final long LASTING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long CLOSING_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int FAULTS_LOGGED_MAX = 20;
    private static final String OTHER_TYPE = "other";
    private static final int STRANGERS_MAX = 8;
    private static final int STRANGER_LENGTH_MAX = 256;

    /**
     * What the client works with.
     *
     * @param link the control plane
     * @param mesh where snapshots go
     * @param metrics what is counted
     * @param ticker for waits
     * @param jitter within [0, 1), spreads retries
     */
    public record Surroundings(
            ServerLink link, MeshStore mesh, Metrics metrics, Ticker ticker, DoubleSupplier jitter) {}

    private final Surroundings surroundings;
    private final DeltaSession session;
    private final MeshWriter writer;
    private final Runnable becameReady;
    private final Demands demands = new Demands();
    private final AtomicInteger demanding = new AtomicInteger();
    /** What was asked for and is not there, for all threads to see. */
    private final Set<String> absent = ConcurrentHashMap.newKeySet();

    private final Mailbox mailbox = new Mailbox();
    private final boolean onDemand;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean closing;

    // Of the control thread alone.
    private @Nullable AdsStream stream;
    /** To the responses whose content is not published yet, in their order. */
    private final List<DeltaDiscoveryRequest> replies = new ArrayList<>();

    /** Types that nobody asked for, and yet came. */
    private final Set<String> strangers = new HashSet<>();

    private boolean ready;
    private int failures;
    private String lastProblem = "";

    /**
     * A client that is not started yet.
     *
     * @param about who we are
     * @param onDemand whether workloads and services are sent only when asked for
     * @param becameReady run once, when every type that is wanted whole was told and published
     */
    public XdsClient(Node about, boolean onDemand, Surroundings surroundings, Runnable becameReady) {
        this.surroundings = surroundings;
        this.onDemand = onDemand;
        this.session = new DeltaSession(
                about,
                List.of(MeshResources.ADDRESS_TYPE, MeshResources.AUTHORIZATION_TYPE),
                onDemand ? Set.of(MeshResources.ADDRESS_TYPE) : Set.of());
        this.writer = new MeshWriter(surroundings.mesh(), surroundings.ticker());
        this.becameReady = becameReady;
    }

    /** Connects, and goes on until it is closed. */
    public void start() {
        surroundings.metrics().xdsConnected(false);
        Thread.ofVirtual().name("ctl-xds").start(this::run);
    }

    /**
     * Asks for one workload or service of a control plane on demand: {@code network/ip}, a uid, or {@code namespace/hostname}.
     * Completes on the control thread with true once a snapshot with the answer is published, be it that there is no such thing,
     * and with false when it does not come in time or too many wait.
     */
    public CompletableFuture<Boolean> demand(String name) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        if (closing || demanding.incrementAndGet() > DEMANDS_MAX) {
            demanding.decrementAndGet();
            answer.complete(false);
            return answer;
        }
        mailbox.add(() -> register(name, answer));
        CompletableFuture<Boolean> _ = answer.whenComplete((told, failed) -> {
            demanding.decrementAndGet();
            mailbox.add(() -> demands.forgetTold(name));
        });
        return answer;
    }

    private void register(String name, CompletableFuture<Boolean> answer) {
        if (answer.isDone()) {
            return;
        }
        boolean known = session.isAnswered(MeshResources.ADDRESS_TYPE, name);
        if (known && !writer.hasPending()) {
            noteAbsence(name);
            answer.complete(true);
            return;
        }
        demands.add(name, answer);
        answer.completeOnTimeout(false, DEMAND_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        if (known) {
            demands.answered(name);
            writer.hurry();
        } else {
            session.demand(MeshResources.ADDRESS_TYPE, name).ifPresent(this::send);
        }
    }

    private void send(DeltaDiscoveryRequest request) {
        if (stream != null) {
            stream.send(request);
        }
    }

    private void noteAbsence(String name) {
        if (session.isAbsent(MeshResources.ADDRESS_TYPE, name)) {
            absent.add(name);
        }
    }

    @Override
    public boolean isActive() {
        return onDemand;
    }

    @Override
    public boolean isAbsent(String name) {
        return absent.contains(name);
    }

    @Override
    public Runnable ask(String name, Runnable then) {
        CompletableFuture<Boolean> answer = demand(name);
        CompletableFuture<Boolean> _ = answer.whenComplete((told, failed) -> {
            if (failed == null) {
                then.run();
            }
        });
        return () -> answer.cancel(false);
    }

    private void run() {
        try {
            while (!closing) {
                long began = surroundings.ticker().nanoTime();
                boolean useful = attempt();
                boolean lasting = useful && surroundings.ticker().nanoTime() - began >= LASTING_NANOS;
                failures = lasting ? 1 : failures + 1;
                Duration pause = BACKOFF.delay(failures, surroundings.jitter().getAsDouble());
                drive(() -> closing, pause.toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** One stream from its beginning to its end; whether it was of any use. */
    private boolean attempt() throws InterruptedException {
        try (OpenChannel channel = surroundings.link().open()) {
            AdsStream opened = AdsStream.open(channel, surroundings.link().headers(), mailbox::add, new Responses());
            stream = opened;
            session.open().forEach(opened::send);
            drive(() -> closing || opened.hasEnded(), Long.MAX_VALUE);
            stream = null;
            if (closing) {
                opened.cancel("the agent stops");
                // What is under way has to be let go of.
                drive(opened::hasEnded, CLOSING_NANOS);
                return true;
            }
            ended(opened.termination(), opened.explanation());
            return opened.tookSomething();
        } catch (IOException e) {
            ended(XdsTermination.CONNECTION_ERROR, String.valueOf(e.getMessage()));
            return false;
        } catch (RuntimeException e) {
            // Whatever it was: an agent that follows no policy any more must not look as if it did.
            LOG.log(System.Logger.Level.ERROR, "a fault in the agent broke the stream of the control plane", e);
            if (stream != null) {
                stream.cancel("a fault in the agent");
            }
            ended(XdsTermination.ERROR, "because of a fault in the agent: " + e);
            return false;
        } finally {
            stream = null;
            replies.clear();
        }
    }

    private void ended(XdsTermination how, String explanation) {
        surroundings.metrics().xdsTerminated(how);
        surroundings.metrics().xdsConnected(false);
        boolean news = !explanation.equals(lastProblem);
        lastProblem = explanation;
        LOG.log(
                news ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
                () -> (how == XdsTermination.CONNECTION_ERROR
                                ? "the control plane " + surroundings.link().name() + " cannot be reached, "
                                : "the stream of the control plane "
                                        + surroundings.link().name() + " ended, ")
                        + explanation);
    }

    /** Works off what comes in and publishes what is due, until the condition holds or the time is over. */
    private void drive(BooleanSupplier done, long atMostNanos) throws InterruptedException {
        long begin = surroundings.ticker().nanoTime();
        while (!done.getAsBoolean()) {
            long left = atMostNanos - (surroundings.ticker().nanoTime() - begin);
            if (left <= 0) {
                return;
            }
            Runnable task = mailbox.await(Math.min(left, writer.waitNanos()));
            if (task != null) {
                task.run();
            }
            if (writer.waitNanos() <= 0) {
                publish();
            }
        }
    }

    private void publish() {
        writer.publish();
        reply();
        demands.tell();
    }

    private void reply() {
        replies.forEach(this::send);
        replies.clear();
    }

    /** Takes what comes in on a stream. */
    private final class Responses implements AdsStream.Receiver {
        @Override
        public void opened() {
            surroundings.metrics().xdsConnected(true);
            lastProblem = "";
            LOG.log(
                    System.Logger.Level.INFO,
                    () -> "the control plane " + surroundings.link().name() + " answers");
        }

        @Override
        public void take(ResponseReader response, int bytes) throws IOException {
            ResponseReader.Head head = response.head();
            DeltaSession.Intake intake = session.take(head.typeUrl(), head.nonce());
            surroundings.metrics().xdsMessage(label(intake, head), bytes);
            if (intake.isSubscribed()) {
                if (intake.repeatsRejected()) {
                    writer.forgetRejected(head.typeUrl());
                }
                Taking taking = new Taking(head.typeUrl(), intake);
                response.resources(taking);
                head.removed().forEach(taking::removed);
                taking.finish();
            } else {
                LOG.log(
                        System.Logger.Level.ERROR,
                        () -> "the control plane sent resources of a type that nobody asked for; they are ignored");
            }
            replies.add(intake.reply());
            afterResponse();
        }

        /** What was never asked for is the peer's text: the first few are named. */
        private String label(DeltaSession.Intake intake, ResponseReader.Head head) {
            String typeUrl = head.typeUrl();
            boolean named = intake.isSubscribed()
                    || strangers.contains(typeUrl)
                    || strangers.size() < STRANGERS_MAX
                            && typeUrl.length() <= STRANGER_LENGTH_MAX
                            && strangers.add(typeUrl);
            return named ? typeUrl : OTHER_TYPE;
        }
    }

    private void afterResponse() {
        if (onDemand) {
            session.takeForgotten(MeshResources.ADDRESS_TYPE).ifPresent(request -> {
                request.getResourceNamesUnsubscribeList().forEach(absent::remove);
                send(request);
            });
        }
        if (demands.anyAnswered() || replies.size() >= REPLIES_MAX) {
            writer.hurry();
        }
        if (!writer.hasPending()) {
            reply();
        }
        if (!ready && session.isSynced()) {
            ready = true;
            publish();
            LOG.log(
                    System.Logger.Level.INFO,
                    () -> "the mesh is known: " + surroundings.mesh().current().workloadCount() + " workloads, "
                            + surroundings.mesh().current().serviceCount() + " services, "
                            + surroundings.mesh().current().policies().size() + " policies");
            becameReady.run();
        }
    }

    /** One response on its way into the next snapshot. */
    private final class Taking implements ResponseReader.Visitor {
        private final String typeUrl;
        private final DeltaSession.Intake intake;
        private int logged;

        private Taking(String typeUrl, DeltaSession.Intake intake) {
            this.typeUrl = typeUrl;
            this.intake = intake;
        }

        @Override
        public void resource(Resource resource) {
            took(resource, intake.resource(resource));
        }

        @Override
        public void headOfPolicy(Resource head) {
            took(head, intake.headOfPolicy(head));
        }

        private void took(Resource resource, Converted<MeshResource> converted) {
            switch (converted) {
                case Converted.Taken<MeshResource>(var value, var warnings) -> {
                    writer.upsert(typeUrl, resource.getName(), value, warnings);
                    warnings.forEach(warning -> tell(warning, "was taken, but "));
                }
                case Converted.Rejected<MeshResource>(var fault) -> reject(fault);
            }
            demands.answered(resource.getName());
            resource.getAliasesList().forEach(demands::answered);
        }

        @Override
        public void unreadable(ConversionFault fault) {
            intake.unreadable(fault);
            reject(fault);
            demands.answered(fault.resourceName());
        }

        private void reject(ConversionFault fault) {
            writer.rejected(typeUrl, fault);
            tell(fault, "was not taken: ");
        }

        private void removed(String name) {
            intake.removed(name);
            writer.remove(typeUrl, name);
            noteAbsence(name);
            demands.answered(name);
        }

        private void tell(ConversionFault fault, String what) {
            if (logged++ < FAULTS_LOGGED_MAX) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "resource " + fault.resourceName() + " " + what + fault.explanation());
            }
        }

        private void finish() {
            writer.complete(typeUrl);
            if (intake.rejectedCount() > 0) {
                surroundings.metrics().xdsRejected(typeUrl, intake.rejectedCount());
            }
            if (logged > FAULTS_LOGGED_MAX) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> (logged - FAULTS_LOGGED_MAX) + " more faults of this response are not listed");
            }
        }
    }

    /** Ends the stream and the thread; waits for that a moment. */
    @Override
    public void close() {
        closing = true;
        mailbox.add(() -> {});
        try {
            boolean inTime = ended.await(1, TimeUnit.SECONDS);
            LOG.log(System.Logger.Level.DEBUG, () -> "the control plane's client ended: " + inTime);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
