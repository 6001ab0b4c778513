package io.culvert.agent.xds;

import io.culvert.agent.grpc.OpenChannel;
import io.culvert.agent.telemetry.XdsTermination;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.xds.ResponseReader;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One stream of a control plane. A response stays in the transport's buffers while its resources are read from it, and the next
 * is not asked for before its reply is sent.
 *
 * <p>Runs on: the executor that it is opened with, one task at a time.
 *
 * <p>Source: the xDS protocol's "Aggregated Discovery Service", incremental.
 */
final class AdsStream extends ClientCall.Listener<InputStream> {
    private static final String MALFORMED = "the response is malformed: ";

    /** Lends the transport's own stream; it is good until the listener returns. */
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
         * Takes one response and returns the reply to it.
         *
         * <p>Errors: {@link IOException} when it makes no sense as a whole; the stream then ends.
         */
        DeltaDiscoveryRequest take(ResponseReader response, int bytes) throws IOException;
    }

    private final ClientCall<DeltaDiscoveryRequest, InputStream> call;
    private final Receiver receiver;
    private boolean opened;
    private boolean tookSomething;
    private boolean malformed;
    private @Nullable Status end;

    private AdsStream(ClientCall<DeltaDiscoveryRequest, InputStream> call, Receiver receiver) {
        this.call = call;
        this.receiver = receiver;
    }

    static AdsStream open(OpenChannel channel, Metadata headers, Executor executor, Receiver receiver) {
        AdsStream stream =
                new AdsStream(channel.channel().newCall(DELTA, CallOptions.DEFAULT.withExecutor(executor)), receiver);
        stream.call.start(stream, headers);
        stream.call.request(1);
        return stream;
    }

    void send(DeltaDiscoveryRequest request) {
        if (end == null) {
            call.sendMessage(request);
        }
    }

    @Override
    public void onHeaders(Metadata headers) {
        opened = true;
        receiver.opened();
    }

    @Override
    public void onMessage(InputStream message) {
        try {
            int bytes = message.available();
            call.sendMessage(receiver.take(ResponseReader.open(message), bytes));
            tookSomething = true;
            call.request(1);
        } catch (IOException e) {
            malformed = true;
            call.cancel(MALFORMED + e.getMessage(), null);
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        end = status;
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
            case UNAVAILABLE -> opened ? XdsTermination.RECONNECT : XdsTermination.CONNECTION_ERROR;
            case UNKNOWN, CANCELLED, DEADLINE_EXCEEDED -> XdsTermination.RECONNECT;
            default -> XdsTermination.ERROR;
        };
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
        call.cancel(why, null);
    }
}
