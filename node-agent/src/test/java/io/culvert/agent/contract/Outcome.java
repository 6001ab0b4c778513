package io.culvert.agent.contract;

import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.telemetry.CloseReason;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What became of one relay. */
final class Outcome implements RelayOwner {
    final AtomicLong up = new AtomicLong();
    final AtomicLong down = new AtomicLong();
    private final CompletableFuture<CloseReason> closed = new CompletableFuture<>();

    @Override
    public void relayedUp(int count) {
        up.lazySet(up.get() + count);
    }

    @Override
    public void relayedDown(int count) {
        down.lazySet(down.get() + count);
    }

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        if (!closed.complete(reason)) {
            throw new AssertionError("closed twice");
        }
    }

    CloseReason closed() {
        return RealNet.await(closed);
    }

    boolean isClosed() {
        return closed.isDone();
    }
}
