package io.culvert.agent.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One question and its answer.
 *
 * <p>Runs on: a virtual thread, which it blocks.
 */
public final class UnaryCall {
    private UnaryCall() {}

    /** Asks, and waits for the answer. Errors: {@link StatusException} with the server's status or the transport's. */
    public static <Q, A> A ask(
            Channel channel, MethodDescriptor<Q, A> method, Metadata headers, Q question, Duration atMost)
            throws StatusException, InterruptedException {
        ClientCall<Q, A> call =
                channel.newCall(method, CallOptions.DEFAULT.withDeadlineAfter(atMost.toNanos(), TimeUnit.NANOSECONDS));
        Answer<A> answer = new Answer<>();
        try {
            call.start(answer, headers);
            call.request(2);
            call.sendMessage(question);
            call.halfClose();
            return answer.future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof StatusException known
                    ? known
                    : Status.UNKNOWN.withCause(e.getCause()).asException();
        } finally {
            call.cancel("the answer is not awaited any more", null);
        }
    }

    private static final class Answer<A> extends ClientCall.Listener<A> {
        private final CompletableFuture<A> future = new CompletableFuture<>();
        private @Nullable A message;

        @Override
        public void onMessage(A each) {
            message = each;
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            A found = message;
            if (status.isOk() && found != null) {
                future.complete(found);
            } else {
                Status told = status.isOk() ? Status.INTERNAL.withDescription("there was no answer") : status;
                future.completeExceptionally(told.asException());
            }
        }
    }
}
