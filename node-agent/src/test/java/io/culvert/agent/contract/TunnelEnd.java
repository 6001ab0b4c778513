package io.culvert.agent.contract;

import io.culvert.agent.hbone.TunnelListener;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.RequestFault;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One end of a tunnel whose other end does nothing wrong. */
abstract class TunnelEnd implements TunnelListener {
    private final CompletableFuture<CloseReason> closed = new CompletableFuture<>();

    @Override
    public final void onTunnelMalformed(RequestFault fault) {
        throw new AssertionError(fault);
    }

    @Override
    public final void onTunnelFault(BadPeer kind) {
        throw new AssertionError(kind);
    }

    @Override
    public final void onTunnelRoom() {}

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
        closed.complete(reason);
    }

    /** Why this end was closed. */
    final CloseReason closed() {
        return RealNet.await(closed);
    }

    final boolean isClosed() {
        return closed.isDone();
    }
}
