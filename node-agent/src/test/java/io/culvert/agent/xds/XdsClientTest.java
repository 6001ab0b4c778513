package io.culvert.agent.xds;

import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.policy;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import io.culvert.agent.fakeplane.FakeDiscovery;
import io.culvert.agent.grpc.ExactAllocator;
import io.culvert.agent.grpc.OpenChannel;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.XdsTermination;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Clause;
import io.culvert.protocol.wire.security.Match;
import io.culvert.protocol.wire.security.Rule;
import io.culvert.protocol.wire.security.StringMatch;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.xds.ConversionFault;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.protocol.xds.ResponseReader;
import io.culvert.testkit.Eventually;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against a real gRPC server over TLS. */
class XdsClientTest {
    private static final String ADDRESS = MeshResources.ADDRESS_TYPE;
    private static final String AUTHORIZATION = MeshResources.AUTHORIZATION_TYPE;
    private static final Workload WEB =
            pod("web", "10.0.0.1").hbone().of("web", 80, 8080).build();
    private static final Workload DB = pod("db", "10.0.0.2").build();
    private static final Service WEB_SERVICE = service("web").vip("10.96.0.1").build();
    private static final Policy DENY = policy("shop/deny", Policy.Scope.NAMESPACE, Policy.Action.DENY);

    private static final PeerFacts FACTS =
            new PeerFacts(PeerIdentity.PLAINTEXT, IpAddress.parse("10.0.0.2"), IpAddress.parse("10.0.0.1"), 8080);

    private final XdsRig rig = new XdsRig();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void becomesReady_onceEveryTypeWasTold() {
        rig.discovery().put(WEB);
        rig.discovery().put(WEB_SERVICE);
        rig.discovery().put(DENY);
        rig.discovery().withhold(AUTHORIZATION);
        rig.start(false);
        rig.until("the workload is known", () -> assertNotNull(rig.mesh().workload(WEB.uid())));
        assertFalse(rig.isReady());
        assertFalse(rig.mesh().policiesComplete());
        rig.discovery().release(AUTHORIZATION);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        assertTrue(rig.mesh().policiesComplete());
        assertEquals(DENY, rig.mesh().policy(DENY.key()));
        assertEquals(WEB_SERVICE, rig.mesh().service(WEB_SERVICE.key()));
        assertEquals(1, rig.mesh().endpoints(WEB_SERVICE).size());
    }

    @Test
    void becomesReady_thoughThereIsNothing() {
        rig.start(false);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        assertTrue(rig.mesh().policiesComplete());
    }

    @Test
    void introducesItself_andAsksForAllOfBothTypes_inOrder() {
        rig.start(false);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        List<DeltaDiscoveryRequest> requests = rig.discovery().requests();
        assertEquals(ADDRESS, requests.get(0).getTypeUrl());
        assertEquals(
                "ztunnel~192.0.2.7~ztunnel-x.istio-system~istio-system.svc.cluster.local",
                requests.get(0).getNode().getId());
        assertEquals(
                "node-a",
                requests.get(0)
                        .getNode()
                        .getMetadata()
                        .getFieldsOrThrow("NODE_NAME")
                        .getStringValue());
        assertEquals(0, requests.get(0).getResourceNamesSubscribeCount());
        assertEquals(1, rig.discovery().openings(AUTHORIZATION).size(), "and for policies beside it");
        for (DeltaDiscoveryRequest answer :
                requests.stream().filter(each -> !each.hasNode()).toList()) {
            assertFalse(answer.getResponseNonce().isEmpty());
            assertEquals(0, answer.getInitialResourceVersionsCount());
        }
        Metadata headers = rig.plane().calls().getFirst();
        assertEquals("Bearer secret-1", headers.get(key("authorization")));
        assertEquals("cluster-1", headers.get(key("clusterid")));
        assertEquals("there", headers.get(key("x-extra")));
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    @Test
    void takesUpdatesAndRemovals() {
        rig.discovery().put(WEB);
        rig.discovery().put(WEB_SERVICE);
        rig.discovery().put(DENY);
        rig.startAndAwait();
        rig.discovery().put(DB);
        rig.until("the update is known", () -> assertEquals(DB, rig.mesh().workload(DB.uid())));
        rig.discovery().remove(ADDRESS, WEB.uid().value(), WEB_SERVICE.key().toString());
        rig.discovery().remove(AUTHORIZATION, DENY.key().toString());
        rig.until("they are gone", () -> {
            assertNull(rig.mesh().workload(WEB.uid()));
            assertNull(rig.mesh().service(WEB_SERVICE.key()));
            assertNull(rig.mesh().policy(DENY.key()));
        });
        assertEquals(DB, rig.mesh().workload(DB.uid()));
    }

    @Test
    void keepsEndpointsThatCameBeforeTheirService() {
        rig.discovery().put(WEB);
        rig.startAndAwait();
        assertNull(rig.mesh().service(WEB_SERVICE.key()));
        rig.discovery().put(WEB_SERVICE);
        rig.until(
                "the service has its endpoint",
                () -> assertEquals(1, rig.mesh().endpoints(WEB_SERVICE).size()));
        rig.discovery().remove(ADDRESS, WEB_SERVICE.key().toString());
        rig.until("the service is gone", () -> assertNull(rig.mesh().service(WEB_SERVICE.key())));
        rig.discovery().put(WEB_SERVICE);
        rig.until(
                "it is back with it",
                () -> assertEquals(1, rig.mesh().endpoints(WEB_SERVICE).size()));
    }

    @Test
    void keepsNothingBack_becauseOfABadResource() {
        rig.discovery().putRaw(List.of(FakeDiscovery.broken(ADDRESS, "bad/one", "v1"), encoded(WEB)));
        rig.discovery().putRaw(List.of(FakeDiscovery.broken(AUTHORIZATION, "shop/bad", "v1")));
        rig.startAndAwait();
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
        rig.until(
                "both were refused by name",
                () -> assertEquals(2, rig.discovery().nacks().size()));
        String said = rig.discovery().nacks().getFirst().getErrorDetail().getMessage();
        assertTrue(said.startsWith("bad/one: "), said);
        assertEquals(0, rig.discovery().nacks().getFirst().getErrorDetail().getCode());
        assertEquals(
                List.of("bad/one", "policy shop/bad"),
                rig.mesh().problems().stream()
                        .filter(each -> each.kind() == MeshProblem.Kind.REJECTED_RESOURCE)
                        .map(MeshProblem::subject)
                        .toList());
        assertEquals(1, rig.count(Metric.XDS_REJECTED, ADDRESS));
        rig.discovery().remove(ADDRESS, "bad/one");
        rig.discovery().put(DENY);
        rig.until(
                "the report goes with the resource",
                () -> assertEquals(1, rig.mesh().problems().size()));
    }

    @Test
    void policyPastItsBounds_isInForceByItsStrictestReading_andTakesItsNameWithIt() {
        rig.discovery().put(WEB);
        rig.discovery().putRaw(List.of(pastItsBounds("plain", 1_000), pastItsBounds("shop/large", 6_000)));
        rig.startAndAwait();
        rig.until(
                "both are acknowledged",
                () -> assertEquals(List.of(), rig.discovery().nacks()));
        assertEquals(
                List.of("plain", "shop/large"),
                rig.mesh().policiesFor(WEB).stream()
                        .map(policy -> policy.key().toString())
                        .toList());
        assertEquals(
                List.of("policy plain", "policy shop/large"),
                rig.mesh().problems().stream()
                        .filter(each -> each.kind() == MeshProblem.Kind.ALTERED_RESOURCE)
                        .filter(each -> each.sentence().contains("denies every connection"))
                        .map(MeshProblem::subject)
                        .toList());
        assertInstanceOf(Decision.Deny.class, Authorizer.decide(rig.mesh().policiesFor(WEB), FACTS));
        rig.discovery().remove(AUTHORIZATION, "plain", "shop/large");
        rig.until("they are gone", () -> assertEquals(List.of(), rig.mesh().policiesFor(WEB)));
        assertEquals(List.of(), rig.mesh().problems());
    }

    /** Denies one port, again and again: more conditions than are taken, and with many texts more than 4 MiB. */
    private static Resource pastItsBounds(String name, int texts) {
        var match = Match.newBuilder();
        for (int i = 0; i < texts; i++) {
            match.addNotPrincipals(StringMatch.newBuilder().setExact("x".repeat(1_000)));
        }
        for (int i = 0; i < 200_000; i++) {
            match.addDestinationPorts(1);
        }
        var policy = Authorization.newBuilder()
                .setName("p")
                .setNamespace(WEB.namespace())
                .setScope(io.culvert.protocol.wire.security.Scope.NAMESPACE)
                .setAction(io.culvert.protocol.wire.security.Action.DENY)
                .addRules(Rule.newBuilder().addClauses(Clause.newBuilder().addMatches(match)));
        return Resource.newBuilder()
                .setName(name)
                .setVersion("1")
                .setResource(Any.newBuilder()
                        .setTypeUrl(AUTHORIZATION)
                        .setValue(policy.build().toByteString()))
                .build();
    }

    @Test
    void keepsWhatItHad_whenAnUpdateIsBad_andAsksForItAgain() {
        rig.discovery().put(WEB);
        rig.discovery().put(DB);
        rig.startAndAwait();
        rig.discovery().putRaw(List.of(FakeDiscovery.broken(ADDRESS, WEB.uid().value(), "v2")));
        rig.until("it is refused", () -> assertEquals(1, rig.discovery().nacks().size()));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
        rig.discovery().endStreams(Status.OK);
        rig.until(
                "it comes back",
                () -> assertEquals(2, rig.discovery().openings(ADDRESS).size()));
        Map<String, String> told = rig.discovery().openings(ADDRESS).getLast().getInitialResourceVersionsMap();
        assertEquals("", told.get(WEB.uid().value()));
        assertEquals(encoded(DB).getVersion(), told.get(DB.uid().value()));
        rig.until(
                "it is sent and refused again",
                () -> assertEquals(2, rig.discovery().nacks().size()));
    }

    @Test
    void comesBackWithWhatItHolds_andForgetsNothingMeanwhile() throws Exception {
        rig.discovery().put(WEB);
        rig.discovery().put(DENY);
        rig.startAndAwait();
        rig.plane().stop();
        rig.until("the loss is noticed", () -> assertEquals(0, rig.value(Metric.XDS_CONNECTED)));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
        assertTrue(rig.isReady());
        rig.discovery().remove(ADDRESS, WEB.uid().value());
        rig.discovery().put(DB);
        rig.plane().restart();
        rig.until("the news is known", () -> {
            assertNull(rig.mesh().workload(WEB.uid()));
            assertEquals(DB, rig.mesh().workload(DB.uid()));
        });
        assertEquals(
                Map.of(WEB.uid().value(), encoded(WEB).getVersion()),
                rig.discovery().openings(ADDRESS).getLast().getInitialResourceVersionsMap());
        assertEquals(DENY, rig.mesh().policy(DENY.key()));
        assertEquals(1, rig.value(Metric.XDS_CONNECTED));
    }

    @Test
    void removesWhatWentWhileTheStreamWasBroken() {
        rig.discovery().put(WEB);
        rig.discovery().put(DB);
        rig.startAndAwait();
        rig.discovery().pause();
        rig.discovery().endStreams(Status.ABORTED);
        rig.discovery().remove(ADDRESS, WEB.uid().value());
        rig.until(
                "it comes back",
                () -> assertEquals(2, rig.discovery().openings(AUTHORIZATION).size()));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()), "nobody has said yet that it is gone");
        rig.discovery().resume();
        rig.until("it is gone", () -> assertNull(rig.mesh().workload(WEB.uid())));
        assertEquals(DB, rig.mesh().workload(DB.uid()));
    }

    @Test
    void countsHowStreamsEnd() {
        rig.startAndAwait();
        end(Status.OK);
        end(Status.UNAVAILABLE.withDescription("transport is closing"));
        end(Status.PERMISSION_DENIED);
        assertEquals(1, rig.count(Metric.XDS_TERMINATIONS, "Complete"));
        assertEquals(1, rig.count(Metric.XDS_TERMINATIONS, "Reconnect"));
        assertEquals(1, rig.count(Metric.XDS_TERMINATIONS, "Error"));
        assertTrue(rig.count(Metric.XDS_MESSAGES, ADDRESS) >= 1);
        assertTrue(rig.count(Metric.XDS_MESSAGE_BYTES, ADDRESS) >= 10);
    }

    private void end(Status status) {
        int before = rig.discovery().openings(AUTHORIZATION).size();
        rig.discovery().endStreams(status);
        rig.until(
                "it comes back after " + status,
                () -> assertEquals(
                        before + 1, rig.discovery().openings(AUTHORIZATION).size()));
    }

    @Test
    void acknowledgesATypeNobodyAskedFor_andGoesOn() {
        rig.startAndAwait();
        rig.discovery()
                .say(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl("type.googleapis.com/some.Other")
                        .setNonce("strange")
                        .addResources(encoded(WEB))
                        .build());
        rig.until(
                "it is acknowledged",
                () -> assertTrue(rig.discovery().requests().stream()
                        .anyMatch(each -> each.getResponseNonce().equals("strange") && !each.hasErrorDetail())));
        assertNull(rig.mesh().workload(WEB.uid()));
        assertEquals(1, rig.count(Metric.XDS_MESSAGES, "type.googleapis.com/some.Other"));
        rig.discovery().put(DB);
        rig.until("the next is taken", () -> assertEquals(DB, rig.mesh().workload(DB.uid())));
        assertEquals(1, rig.discovery().streamsOpened());
    }

    @Test
    void skipsAResourceThatIsTooLarge_byName() {
        rig.discovery().put(WEB);
        byte[] large = new byte[MeshResources.RESOURCE_BYTES_MAX * 2];
        Resource huge = FakeDiscovery.broken(ADDRESS, "huge", "v1").toBuilder()
                .setResource(com.google.protobuf.Any.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .setValue(com.google.protobuf.ByteString.copyFrom(large)))
                .build();
        rig.discovery().putRaw(List.of(huge, encoded(DB)));
        rig.startAndAwait();
        assertEquals(DB, rig.mesh().workload(DB.uid()));
        rig.until("it is refused", () -> assertEquals(1, rig.discovery().nacks().size()));
        String said = rig.discovery().nacks().getFirst().getErrorDetail().getMessage();
        assertEquals("huge: the resource is larger than allowed", said);
    }

    private static List<Resource> large(int count, int bytes) {
        List<Resource> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(FakeDiscovery.broken(ADDRESS, "large-" + i, "v1").toBuilder()
                    .setResource(com.google.protobuf.Any.newBuilder()
                            .setTypeUrl(ADDRESS)
                            .setValue(com.google.protobuf.ByteString.copyFrom(new byte[bytes])))
                    .build());
        }
        return all;
    }

    @Test
    void refusesAMessageOverItsBound_keepsWhatItKnows_andGoesOn() {
        rig.discovery().put(WEB);
        rig.start(false, 1 << 20);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        rig.discovery().putRaw(large(20, 100_000));
        rig.until(
                "it is refused",
                () -> assertTrue(rig.count(Metric.XDS_TERMINATIONS, XdsTermination.ERROR.label()) >= 1));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
        rig.discovery()
                .remove(ADDRESS, large(20, 1).stream().map(Resource::getName).toArray(String[]::new));
        rig.discovery().put(DB);
        rig.until("it goes on", () -> assertEquals(DB, rig.mesh().workload(DB.uid())));
        assertEquals(200 << 20, XdsClient.MESSAGE_BYTES_MAX);
    }

    /** The transport's memory is its allocator's: what of a message is still held there can be looked up. */
    @Test
    void letsGoOfALargeMessage_whileItIsTaken() throws Exception {
        int count = 100;
        int bytes = 256 * 1024;
        rig.discovery().putRaw(large(count, bytes));
        List<Long> held = new ArrayList<>();
        BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        AdsStream.Receiver receiver = new AdsStream.Receiver() {
            @Override
            public void opened() {}

            @Override
            public void take(ResponseReader response, int size) throws IOException {
                assertTrue(size > count * bytes, () -> size + " bytes");
                response.resources(new ResponseReader.Visitor() {
                    @Override
                    public void resource(Resource resource) {
                        held.add(transportBytes());
                    }

                    @Override
                    public void unreadable(ConversionFault fault) {
                        throw new AssertionError(fault);
                    }

                    @Override
                    public void headOfPolicy(Resource head) {
                        throw new AssertionError(head.getName());
                    }
                });
            }
        };
        try (OpenChannel channel = rig.link().open()) {
            AdsStream stream = AdsStream.open(channel, rig.link().headers(), tasks::add, receiver);
            stream.send(DeltaDiscoveryRequest.newBuilder().setTypeUrl(ADDRESS).build());
            while (held.isEmpty()) {
                Objects.requireNonNull(tasks.poll(20, TimeUnit.SECONDS)).run();
            }
            stream.cancel("enough");
        }
        assertEquals(count, held.size());
        long taken = held.getFirst() - held.getLast();
        assertTrue(taken > 0.9 * count * bytes, held::toString);
    }

    @Test
    void countsMessagesByTheirType_alsoOfTheFirstFewThatNobodyAskedFor() {
        rig.startAndAwait();
        for (int i = 0; i < 9; i++) {
            rig.discovery()
                    .say(DeltaDiscoveryResponse.newBuilder()
                            .setTypeUrl("type/strange-" + i)
                            .setNonce("strange-" + i)
                            .build());
        }
        rig.until(
                "all are acknowledged",
                () -> assertEquals(9, replies("strange-").size()));
        for (int i = 0; i < 8; i++) {
            assertEquals(1, rig.count(Metric.XDS_MESSAGES, "type/strange-" + i));
        }
        assertEquals(1, rig.count(Metric.XDS_MESSAGES, "other"));
    }

    @Test
    void tellsAConnectionThatBroke_fromAControlPlaneThatIsUnavailable() throws Exception {
        rig.startAndAwait();
        rig.discovery().endStreams(Status.UNAVAILABLE.withDescription("too many clients"));
        rig.until("it is counted", () -> assertEquals(1, terminations(XdsTermination.ERROR)));
        rig.until("it comes back", () -> assertEquals(1, rig.value(Metric.XDS_CONNECTED)));
        rig.discovery().endStreams(Status.UNAVAILABLE.withDescription("transport is closing"));
        rig.until("it is counted", () -> assertEquals(1, terminations(XdsTermination.RECONNECT)));
        rig.until("it comes back", () -> assertEquals(1, rig.value(Metric.XDS_CONNECTED)));
        rig.plane().stop();
        rig.until("it is counted", () -> assertEquals(2, terminations(XdsTermination.RECONNECT)));
        assertEquals(1, terminations(XdsTermination.ERROR));
    }

    private long terminations(XdsTermination how) {
        return (long) rig.count(Metric.XDS_TERMINATIONS, how.label());
    }

    /** Keeps the client's thread busy with the next publication, until it is closed. */
    private AutoCloseable busy(CountDownLatch begun) {
        CountDownLatch over = new CountDownLatch(1);
        MeshStore.Registration registration = rig.onPublish(() -> {
            begun.countDown();
            await(over);
        });
        return () -> {
            registration.close();
            over.countDown();
        };
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void say(String nonce, Resource resource) {
        rig.discovery()
                .say(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .setNonce(nonce)
                        .addResources(resource)
                        .build());
    }

    private List<String> replies(String prefix) {
        return rig.discovery().requests().stream()
                .filter(each -> each.getResponseNonce().startsWith(prefix))
                .map(each -> each.getResponseNonce() + (each.hasErrorDetail() ? " no" : ""))
                .toList();
    }

    @Test
    void repliesToEachResponseOnce_inTheirOrder_onceItIsInForce() throws Exception {
        rig.startAndAwait();
        CountDownLatch begun = new CountDownLatch(1);
        List<String> expected = new ArrayList<>();
        try (AutoCloseable _ = busy(begun)) {
            say("say-0", encoded(WEB));
            expected.add("say-0");
            await(begun);
            for (int i = 1; i <= 200; i++) {
                boolean bad = i % 50 == 0;
                Workload pod = pod("pod-" + i, "10.1.0." + i).build();
                say("say-" + i, bad ? FakeDiscovery.broken(ADDRESS, "bad-" + i, "v1") : encoded(pod));
                expected.add("say-" + i + (bad ? " no" : ""));
            }
            Eventually.staysSo(
                    "nothing is confirmed that not everybody was told of",
                    Duration.ofMillis(300),
                    () -> replies("say-").isEmpty());
        }
        long before = rig.mesh().version();
        rig.until("all are replied to", () -> assertEquals(expected, replies("say-")));
        assertEquals(197, rig.mesh().workloadCount());
        assertTrue(rig.mesh().version() - before <= 4, "what waited is published together");
    }

    @Test
    void repliesAtOnce_toWhatChangesNothing() {
        rig.startAndAwait();
        long version = rig.mesh().version();
        rig.discovery()
                .say(DeltaDiscoveryResponse.newBuilder()
                        .setTypeUrl(ADDRESS)
                        .setNonce("empty")
                        .build());
        rig.until("it is confirmed", () -> assertEquals(List.of("empty"), replies("empty")));
        assertEquals(version, rig.mesh().version());
    }

    private static long transportBytes() {
        return ExactAllocator.SHARED.directBytes();
    }

    @Test
    void readsOnlyOneLargeMessageAhead_whileItIsBusy() throws Exception {
        int megabytes = 16;
        int count = 6;
        rig.startAndAwait();
        CountDownLatch begun = new CountDownLatch(1);
        long before = transportBytes();
        try (AutoCloseable _ = busy(begun)) {
            say("first", encoded(WEB));
            await(begun);
            DeltaDiscoveryResponse.Builder large =
                    DeltaDiscoveryResponse.newBuilder().setTypeUrl(ADDRESS).addAllResources(large(megabytes, 1 << 20));
            for (int i = 0; i < count; i++) {
                rig.discovery().say(large.setNonce("large-" + i).build());
            }
            rig.until("one has come", () -> assertTrue(transportBytes() - before >= (long) megabytes << 20));
            // The transport's buffers are up to twice as large as what is in them, and a window's worth of the next
            // comes too.
            Eventually.staysSo(
                    "no second one comes beyond the window",
                    Duration.ofSeconds(1),
                    () -> transportBytes() - before < 2L * (megabytes + 4) << 20);
        }
        rig.until("all are taken", () -> assertEquals(count, replies("large-").size()));
        rig.until("and let go of", () -> assertTrue(transportBytes() - before < 1 << 20));
    }

    @Test
    void readsTheTokenAnewForEachStream() throws Exception {
        rig.startAndAwait();
        rig.writeToken("secret-2\n");
        end(Status.OK);
        assertEquals("Bearer secret-2", rig.plane().calls().getLast().get(key("authorization")));
        rig.writeToken("");
        rig.discovery().endStreams(Status.OK);
        rig.until(
                "an empty token is no token",
                () -> assertTrue(rig.count(Metric.XDS_TERMINATIONS, "ConnectionError") >= 1));
        rig.writeToken("secret-3");
        rig.until(
                "it goes on",
                () -> assertEquals(
                        "Bearer secret-3", rig.plane().calls().getLast().get(key("authorization"))));
    }

    @Test
    void asksOnDemand_byAddressNameAndService() throws Exception {
        rig.discovery().put(WEB);
        rig.discovery().put(WEB_SERVICE);
        rig.discovery().put(DENY);
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        DeltaDiscoveryRequest opening = rig.discovery().openings(ADDRESS).getFirst();
        assertEquals(List.of("*"), opening.getResourceNamesSubscribeList());
        assertEquals(List.of("*"), opening.getResourceNamesUnsubscribeList());
        assertEquals(0, rig.mesh().workloadCount());
        assertTrue(rig.demand("/10.0.0.1"));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
        assertTrue(rig.demand(WEB_SERVICE.key().toString()));
        assertEquals(WEB_SERVICE, rig.mesh().service(WEB_SERVICE.key()));
        assertTrue(rig.demand("/10.9.9.9"), "that there is no such thing is an answer");
        assertEquals(1, rig.mesh().workloadCount());
    }

    @Test
    void knowsWhatIsNotThere_withoutAskingAgain_andTakesItWhenItComes() throws Exception {
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        assertTrue(rig.client().isActive());
        assertFalse(rig.client().isAbsent("/10.0.0.1"));
        assertTrue(rig.demand("/10.0.0.1"));
        assertTrue(rig.client().isAbsent("/10.0.0.1"));
        assertTrue(rig.demand("/10.0.0.1"));
        assertEquals(
                1,
                rig.discovery().requests().stream()
                        .filter(each -> each.getResourceNamesSubscribeList().contains("/10.0.0.1"))
                        .count());
        rig.discovery().put(WEB);
        rig.until("it came by itself", () -> assertEquals(WEB, rig.mesh().workload(WEB.uid())));
    }

    @Test
    void tellsWhoAsksOnce_andNotWhoDoesNotWaitAnyMore() throws Exception {
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        rig.discovery().pause();
        AtomicInteger told = new AtomicInteger();
        AtomicInteger tooLate = new AtomicInteger();
        Runnable _ = rig.client().ask("/10.0.0.1", told::incrementAndGet);
        Runnable withdraw = rig.client().ask("/10.0.0.1", tooLate::incrementAndGet);
        withdraw.run();
        rig.discovery().put(WEB);
        rig.discovery().resume();
        rig.until("it is told", () -> assertEquals(1, told.get()));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()), "what was asked for is published before");
        assertTrue(rig.demand("/10.0.0.1"));
        assertEquals(1, told.get());
        assertEquals(0, tooLate.get());
    }

    @Test
    void tellsEverybodyWhoWaitsForTheSame_andAsksOnce() throws Exception {
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        rig.discovery().pause();
        List<CompletableFuture<Boolean>> answers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            answers.add(rig.client().demand("/10.0.0.1"));
        }
        rig.discovery().put(WEB);
        rig.until(
                "it was asked",
                () -> assertTrue(rig.discovery().requests().stream()
                        .anyMatch(each -> each.getResourceNamesSubscribeList().contains("/10.0.0.1"))));
        rig.discovery().resume();
        for (CompletableFuture<Boolean> answer : answers) {
            assertTrue(answer.get(10, TimeUnit.SECONDS));
        }
        assertEquals(
                1,
                rig.discovery().requests().stream()
                        .filter(each -> each.getResourceNamesSubscribeList().contains("/10.0.0.1"))
                        .count());
    }

    @Test
    void asksAgain_afterTheStreamBroke_forWhatWasNotAnswered() throws Exception {
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        rig.discovery().pause();
        CompletableFuture<Boolean> answer = rig.client().demand("/10.0.0.1");
        rig.until(
                "it was asked",
                () -> assertTrue(rig.discovery().requests().stream()
                        .anyMatch(each -> each.getResourceNamesSubscribeList().contains("/10.0.0.1"))));
        rig.discovery().endStreams(Status.UNAVAILABLE);
        rig.discovery().put(WEB);
        rig.until(
                "it comes back",
                () -> assertEquals(2, rig.discovery().openings(ADDRESS).size()));
        assertEquals(
                Map.of("/10.0.0.1", ""),
                rig.discovery().openings(ADDRESS).getLast().getInitialResourceVersionsMap());
        rig.discovery().resume();
        assertTrue(answer.get(10, TimeUnit.SECONDS));
        assertEquals(WEB, rig.mesh().workload(WEB.uid()));
    }

    @Test
    void boundsHowManyWait_andForHowLong() throws Exception {
        rig.start(true);
        rig.until("it is ready", () -> assertTrue(rig.isReady()));
        rig.discovery().pause();
        List<CompletableFuture<Boolean>> answers = new ArrayList<>();
        for (int i = 0; i < XdsClient.DEMANDS_MAX; i++) {
            answers.add(rig.client().demand("/name-" + i));
        }
        assertFalse(rig.client().demand("/one-too-many").get(1, TimeUnit.SECONDS));
        for (CompletableFuture<Boolean> answer : answers) {
            assertFalse(answer.get(10, TimeUnit.SECONDS));
        }
        rig.discovery().resume();
        assertTrue(rig.demand("/10.9.9.9"), "there is room again");
    }

    @Test
    void comesBackFromAResponseThatMakesNoSense_whileItIsAskedForMuch() throws Exception {
        rig.start(true);
        rig.until("ready", () -> assertTrue(rig.isReady()));
        for (int attempt = 0; attempt < 3; attempt++) {
            long opened = rig.discovery().streamsOpened();
            int round = attempt;
            Thread asking = Thread.ofPlatform().daemon().start(() -> {
                for (int i = 0; i < 900; i++) {
                    CompletableFuture<Boolean> _ =
                            rig.client().demand("network/10." + round + "." + i / 250 + "." + i % 250);
                }
            });
            rig.discovery()
                    .say(DeltaDiscoveryResponse.newBuilder()
                            .setTypeUrl("x".repeat(10_000))
                            .setNonce("n")
                            .build());
            asking.join();
            rig.until("it comes back", () -> assertTrue(rig.discovery().streamsOpened() > opened));
            rig.until("it is connected", () -> assertEquals(1, rig.value(Metric.XDS_CONNECTED)));
        }
    }

    @Test
    void publishesAChange_withoutDelay() {
        rig.startAndAwait();
        long before = rig.mesh().version();
        List<MeshResource> many = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            many.clear();
            many.add(new MeshResource.OfWorkload(
                    pod("web", "10.0.0." + (i % 250)).of("web", 80, 8080).build()));
            rig.discovery().put(many);
        }
        NamespacedName key = WEB_SERVICE.key();
        rig.until(
                "the last is known",
                () -> assertEquals(
                        "10.0.0.249",
                        rig.mesh().workloads().getFirst().addresses().getFirst().toString()));
        long publications = rig.mesh().version() - before;
        assertTrue(publications < 250, () -> publications + " publications of 500 changes");
        assertNull(rig.mesh().service(key));
    }

    private static Resource encoded(Workload workload) {
        return MeshResources.encode(new MeshResource.OfWorkload(workload));
    }
}
