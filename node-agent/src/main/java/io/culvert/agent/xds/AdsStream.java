package io.culvert.agent.xds;

import io.culvert.agent.grpc.OpenChannel;
import io.culvert.agent.telemetry.XdsTermination;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.xds.ResponseReader;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Detachable;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One stream of a control plane. A response stays in the transport's buffers while its resources are read from it; meanwhile a
 * few more may come, as far as {@link ReadAhead} says.
 *
 * <p>Runs on: the executor that it is opened with, which runs one task at a time, in their order; what the call itself brings
 * only goes there. Owns: the call, and the responses that came and were not taken yet.
 *
 * <p>Source: the xDS protocol's "Aggregated Discovery Service", incremental.
 */
final class AdsStream extends ClientCall.Listener<InputStream> {
    /** What transports, ours and servers', say of a connection that ended. */
    private static final List<String> CONNECTION_GONE =
            List.of("network closed", "goaway", "transport closing", "transport is closing", "keepalive failed");

    private static final String MALFORMED = "the response is malformed: ";

    /** Lends the transport's own stream; it is good until the listener returns, who may take its buffers over. */
    private static final class Lent implements MethodDescriptor.Marshaller<InputStream> {
        @Override
        public InputStream stream(InputStream value) {
            return value;
        }

        @Override
        public InputStream parse(InputStream stream) {
            return stream;
        }
    }

    private static final MethodDescriptor<DeltaDiscoveryRequest, InputStream> DELTA = MethodDescriptor.newBuilder(
                    ProtoLiteUtils.marshaller(DeltaDiscoveryRequest.getDefaultInstance()), new Lent())
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName("envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources")
            .build();

    /** Takes responses. */
    interface Receiver {
        /** The stream is open: the control plane answers. */
        void opened();

        /**
         * Takes one response; the reply to it is {@linkplain AdsStream#send sent} once it is in force.
         *
         * <p>Errors: {@link IOException} when it makes no sense as a whole; the stream then ends.
         */
        void take(ResponseReader response, int bytes) throws IOException;
    }

    private final ClientCall<DeltaDiscoveryRequest, InputStream> call;
    private final Executor executor;
    private final Receiver receiver;
    private final ReadAhead ahead = new ReadAhead();

    // Of the executor's tasks alone.
    private boolean opened;
    private boolean tookSomething;
    private boolean malformed;
    private boolean cancelled;
    private @Nullable Status end;

    private AdsStream(ClientCall<DeltaDiscoveryRequest, InputStream> call, Executor executor, Receiver receiver) {
        this.call = call;
        this.executor = executor;
        this.receiver = receiver;
    }

    static AdsStream open(OpenChannel channel, Metadata headers, Executor executor, Receiver receiver) {
        // The listener hands over to the executor by itself: gRPC would run all that waits in one task, however much
        // comes.
        CallOptions options = CallOptions.DEFAULT.withExecutor(Runnable::run);
        AdsStream stream = new AdsStream(channel.channel().newCall(DELTA, options), executor, receiver);
        stream.call.start(stream, headers);
        stream.ahead.begin();
        stream.call.request(1);
        return stream;
    }

    void send(DeltaDiscoveryRequest request) {
        // A call that is cancelled takes no more, though its end is still to come.
        if (end == null && !malformed && !cancelled) {
            call.sendMessage(request);
        }
    }

    @Override
    public void onHeaders(Metadata headers) {
        executor.execute(() -> {
            opened = true;
            receiver.opened();
        });
    }

    @Override
    public void onMessage(InputStream lent) {
        if (!(lent instanceof Detachable detachable)) {
            throw new IllegalStateException("the transport keeps its buffers to itself");
        }
        InputStream message = detachable.detach();
        int bytes = bytesOf(message);
        if (ahead.came(bytes)) {
            call.request(1);
        }
        executor.execute(() -> take(message, bytes));
    }

    private static int bytesOf(InputStream message) {
        try {
            return message.available();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void take(InputStream message, int bytes) {
        try (message) {
            if (!malformed && !cancelled) {
                receiver.take(ResponseReader.open(message), bytes);
                tookSomething = true;
            }
        } catch (IOException e) {
            malformed = true;
            call.cancel(MALFORMED + e.getMessage(), null);
        } finally {
            if (ahead.taken(bytes)) {
                call.request(1);
            }
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        executor.execute(() -> end = status);
    }

    boolean hasEnded() {
        return end != null;
    }

    /** Whether it was of any use. */
    boolean tookSomething() {
        return tookSomething && !malformed;
    }

    /** How it ended. */
    XdsTermination termination() {
        Status status = end == null ? Status.CANCELLED : end;
        if (malformed) {
            return XdsTermination.ERROR;
        }
        return switch (status.getCode()) {
            case OK -> XdsTermination.COMPLETE;
            case UNAVAILABLE -> !opened ? XdsTermination.CONNECTION_ERROR : unavailable(status);
            case UNKNOWN, CANCELLED, DEADLINE_EXCEEDED -> XdsTermination.RECONNECT;
            default -> XdsTermination.ERROR;
        };
    }

    /** A connection that is gone is told by the transport; whatever else it is, the control plane said so itself. */
    private static XdsTermination unavailable(Status status) {
        String text = String.valueOf(status.getDescription()).toLowerCase(Locale.ROOT);
        boolean gone = status.getCause() != null || CONNECTION_GONE.stream().anyMatch(text::contains);
        return gone ? XdsTermination.RECONNECT : XdsTermination.ERROR;
    }

    /** How it ended, for people. */
    String explanation() {
        Status status = end == null ? Status.CANCELLED : end;
        Throwable cause = status.getCause();
        return status.getCode()
                + (status.getDescription() == null ? "" : ": " + status.getDescription())
                + (cause == null || cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")");
    }

    void cancel(String why) {
        cancelled = true;
        call.cancel(why, null);
    }
}
