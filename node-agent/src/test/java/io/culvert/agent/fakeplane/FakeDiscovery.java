package io.culvert.agent.fakeplane;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The discovery half: what is put is sent to every stream that subscribed to it, once for each version; on a new stream what the
 * client does not hold already, and what of it is gone.
 *
 * <p>Runs on: any.
 */
public final class FakeDiscovery {
    private static final MethodDescriptor<DeltaDiscoveryRequest, DeltaDiscoveryResponse> DELTA =
            MethodDescriptor.newBuilder(
                            ProtoLiteUtils.marshaller(DeltaDiscoveryRequest.getDefaultInstance()),
                            ProtoLiteUtils.marshaller(DeltaDiscoveryResponse.getDefaultInstance()))
                    .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                    .setFullMethodName("envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources")
                    .build();
    private static final String ALL = "*";

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Map<String, Resource>> resources = new HashMap<>();
    private final Set<Stream> streams = new HashSet<>();
    private final List<DeltaDiscoveryRequest> requests = new CopyOnWriteArrayList<>();
    private final Set<String> withheld = new HashSet<>();
    private final AtomicLong nonces = new AtomicLong();
    private long streamsOpened;
    private boolean paused;

    ServerServiceDefinition service() {
        return ServerServiceDefinition.builder("envoy.service.discovery.v3.AggregatedDiscoveryService")
                .addMethod(DELTA, ServerCalls.asyncBidiStreamingCall(this::open))
                .build();
    }

    /** Puts resources and tells of them in one response of each type. */
    public void put(Collection<? extends MeshResource> all) {
        List<Resource> encoded = new ArrayList<>();
        for (MeshResource each : all) {
            encoded.add(withAliases(each, MeshResources.encode(each)));
        }
        putRaw(encoded);
    }

    public void put(Workload workload) {
        put(List.of(new MeshResource.OfWorkload(workload)));
    }

    public void put(Service service) {
        put(List.of(new MeshResource.OfService(service)));
    }

    public void put(Policy policy) {
        put(List.of(new MeshResource.OfPolicy(policy)));
    }

    /** Puts resources as they are, right or wrong. */
    public void putRaw(List<Resource> all) {
        lock.lock();
        try {
            for (Resource each : all) {
                of(each.getResource().getTypeUrl()).put(each.getName(), each);
            }
            push();
        } finally {
            lock.unlock();
        }
    }

    /** A resource that nobody can take. */
    public static Resource broken(String typeUrl, String name, String version) {
        return Resource.newBuilder()
                .setName(name)
                .setVersion(version)
                .setResource(
                        Any.newBuilder().setTypeUrl(typeUrl).setValue(ByteString.copyFrom(new byte[] {0x0a, 0x7f})))
                .build();
    }

    /** Removes resources by name and tells of it. */
    public void remove(String typeUrl, String... names) {
        lock.lock();
        try {
            for (String name : names) {
                of(typeUrl).remove(name);
            }
            push();
        } finally {
            lock.unlock();
        }
    }

    /** Sends nothing until {@link #resume}; then all that changed, at once. */
    public void pause() {
        lock.lock();
        try {
            paused = true;
        } finally {
            lock.unlock();
        }
    }

    public void resume() {
        lock.lock();
        try {
            paused = false;
            push();
        } finally {
            lock.unlock();
        }
    }

    /** Does not answer for a type until {@link #release}. */
    public void withhold(String typeUrl) {
        lock.lock();
        try {
            withheld.add(typeUrl);
        } finally {
            lock.unlock();
        }
    }

    public void release(String typeUrl) {
        lock.lock();
        try {
            withheld.remove(typeUrl);
            push();
        } finally {
            lock.unlock();
        }
    }

    /** Sends a response to every stream, whatever it says. */
    public void say(DeltaDiscoveryResponse response) {
        lock.lock();
        try {
            streams.forEach(stream -> stream.out.onNext(response));
        } finally {
            lock.unlock();
        }
    }

    /** Ends every stream: in good order, or with a status. */
    public void endStreams(Status status) {
        lock.lock();
        try {
            for (Stream stream : List.copyOf(streams)) {
                streams.remove(stream);
                if (status.isOk()) {
                    stream.out.onCompleted();
                } else {
                    stream.out.onError(status.asRuntimeException());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Everything that was asked and answered, in order. */
    public List<DeltaDiscoveryRequest> requests() {
        return List.copyOf(requests);
    }

    /** The answers to responses that say no. */
    public List<DeltaDiscoveryRequest> nacks() {
        return requests.stream().filter(DeltaDiscoveryRequest::hasErrorDetail).toList();
    }

    /** The first requests of streams, for a type. */
    public List<DeltaDiscoveryRequest> openings(String typeUrl) {
        return requests.stream()
                .filter(request -> request.hasNode() && request.getTypeUrl().equals(typeUrl))
                .toList();
    }

    public long streamsOpened() {
        lock.lock();
        try {
            return streamsOpened;
        } finally {
            lock.unlock();
        }
    }

    private Map<String, Resource> of(String typeUrl) {
        return resources.computeIfAbsent(typeUrl, each -> new LinkedHashMap<>());
    }

    private void push() {
        if (!paused) {
            streams.forEach(stream -> stream.subscriptions.forEach(stream::send));
        }
    }

    private static Resource withAliases(MeshResource resource, Resource encoded) {
        Resource.Builder builder = encoded.toBuilder();
        switch (resource) {
            case MeshResource.OfWorkload(var workload) ->
                workload.addresses()
                        .forEach(ip -> builder.addAliases(new NetworkAddress(workload.network(), ip).toString()));
            case MeshResource.OfService(var service) ->
                service.vips().forEach(vip -> builder.addAliases(vip.toString()));
            case MeshResource.OfPolicy policy -> {}
        }
        return builder.build();
    }

    private StreamObserver<DeltaDiscoveryRequest> open(StreamObserver<DeltaDiscoveryResponse> out) {
        if (out instanceof ServerCallStreamObserver<DeltaDiscoveryResponse> call) {
            // What is sent to a client that has just gone is lost, and no error.
            call.setOnCancelHandler(() -> {});
        }
        Stream stream = new Stream(out);
        lock.lock();
        try {
            streamsOpened++;
            streams.add(stream);
        } finally {
            lock.unlock();
        }
        return stream;
    }

    /** What a stream is subscribed to of one type, and what it was sent. */
    private static final class Subscription {
        private boolean all;
        private boolean answered;
        private final Set<String> names = new TreeSet<>();
        private final Set<String> asked = new TreeSet<>();
        private final Map<String, String> sent = new HashMap<>();

        private boolean wants(Resource resource) {
            return all
                    || names.contains(resource.getName())
                    || resource.getAliasesList().stream().anyMatch(names::contains);
        }
    }

    private final class Stream implements StreamObserver<DeltaDiscoveryRequest> {
        private final StreamObserver<DeltaDiscoveryResponse> out;
        private final Map<String, Subscription> subscriptions = new LinkedHashMap<>();

        private Stream(StreamObserver<DeltaDiscoveryResponse> out) {
            this.out = out;
        }

        @Override
        public void onNext(DeltaDiscoveryRequest request) {
            lock.lock();
            try {
                requests.add(request);
                if (request.getResponseNonce().isEmpty()) {
                    subscribe(request);
                    if (!paused) {
                        send(request.getTypeUrl(), subscriptionOf(request.getTypeUrl()));
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private Subscription subscriptionOf(String typeUrl) {
            return subscriptions.computeIfAbsent(typeUrl, each -> new Subscription());
        }

        private void subscribe(DeltaDiscoveryRequest request) {
            boolean first = !subscriptions.containsKey(request.getTypeUrl());
            Subscription subscription = subscriptionOf(request.getTypeUrl());
            if (first) {
                subscription.all = request.getResourceNamesSubscribeCount() == 0;
                subscription.sent.putAll(request.getInitialResourceVersionsMap());
                if (!subscription.all) {
                    subscription.names.addAll(
                            request.getInitialResourceVersionsMap().keySet());
                    subscription.asked.addAll(
                            request.getInitialResourceVersionsMap().keySet());
                }
            }
            request.getResourceNamesUnsubscribeList().forEach(subscription.names::remove);
            for (String name : request.getResourceNamesSubscribeList()) {
                if (!name.equals(ALL)) {
                    subscription.names.add(name);
                    subscription.asked.add(name);
                }
            }
        }

        private void send(String typeUrl, Subscription subscription) {
            if (withheld.contains(typeUrl)) {
                return;
            }
            DeltaDiscoveryResponse.Builder response = DeltaDiscoveryResponse.newBuilder();
            Set<String> there = new HashSet<>();
            for (Resource each : of(typeUrl).values()) {
                there.add(each.getName());
                there.addAll(each.getAliasesList());
                if (subscription.wants(each)
                        && !each.getVersion().equals(subscription.sent.put(each.getName(), each.getVersion()))) {
                    response.addResources(each);
                }
            }
            Set<String> gone = new TreeSet<>(subscription.sent.keySet());
            gone.addAll(subscription.asked);
            gone.removeAll(there);
            gone.forEach(subscription.sent::remove);
            subscription.asked.clear();
            boolean isNews = response.getResourcesCount() > 0 || !gone.isEmpty();
            if (isNews || (subscription.all && !subscription.answered)) {
                subscription.answered = true;
                out.onNext(response.addAllRemovedResources(gone)
                        .setTypeUrl(typeUrl)
                        .setNonce("n" + nonces.incrementAndGet())
                        .build());
            }
        }

        @Override
        public void onError(Throwable problem) {
            leave();
        }

        @Override
        public void onCompleted() {
            leave();
            out.onCompleted();
        }

        private void leave() {
            lock.lock();
            try {
                streams.remove(this);
            } finally {
                lock.unlock();
            }
        }
    }
}
