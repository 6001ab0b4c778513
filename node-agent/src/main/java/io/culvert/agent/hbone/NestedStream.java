package io.culvert.agent.hbone;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.TunnelRole;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One stream in a tunnel of its own, which runs within a stream of a pooled tunnel: through a gateway that does not see what
 * it carries, to an end that proves itself to us.
 *
 * <p>The inner tunnel is never shared, so that the gateway spreads connections and not tunnels.
 *
 * <p>Runs on: its loop. Owns: the inner tunnel, which ends when its one stream has. Bounds: a time for every step.
 */
final class NestedStream implements HbonePool.Listener, TunnelListener, TunnelStream.Opening, Runnable {
    private static final System.Logger LOG = System.getLogger(NestedStream.class.getName());

    private final HbonePool pool;
    private final SpiffeId source;
    private final List<SpiffeId> expected;
    private final ConnectRequest request;
    private final HbonePool.Listener listener;
    private final Loop loop;
    private final Deadline deadline = new Deadline();
    private Runnable cancelOuter = () -> {};
    private @Nullable Tunnel tunnel;
    private @Nullable TunnelStream stream;
    private boolean counted;
    private boolean over;

    /** @param expected any of these the inner tunnel's end must prove to be */
    NestedStream(
            HbonePool pool,
            SpiffeId source,
            List<SpiffeId> expected,
            ConnectRequest request,
            HbonePool.Listener listener) {
        this.pool = pool;
        this.source = source;
        this.expected = expected;
        this.request = request;
        this.listener = listener;
        this.loop = pool.surroundings().loop();
    }

    void openThrough(HbonePool.Key gateway, ConnectRequest outer) {
        Runnable cancel = pool.open(gateway, outer, this);
        if (!over && tunnel == null) {
            cancelOuter = cancel;
        }
    }

    @Override
    public void onStreamOpen(TunnelStream outer, ConnectResponse response) {
        cancelOuter = () -> {};
        // The outer tunnel is just reading, with the loop's buffers that the inner one is about to use.
        loop.execute(() -> {
            try {
                begin(outer);
            } catch (RuntimeException | Error e) {
                LOG.log(System.Logger.Level.ERROR, "a tunnel was given up because of a fault in the agent", e);
                fault(outer, e.toString());
            }
        });
    }

    @Override
    public void onStreamFailed(CloseReason reason, @Nullable String detail) {
        fail(reason, detail == null ? "at the gateway" : "at the gateway: " + detail);
    }

    private void begin(TunnelStream outer) {
        TlsMaterial material = pool.surroundings().certificates().current(source);
        if (over || material == null) {
            outer.cancel(Http2Code.CANCEL);
            fail(CloseReason.IDENTITY_UNAVAILABLE, null);
            return;
        }
        StreamSocket socket = new StreamSocket(loop, outer);
        Transport transport = pool.surroundings().transports().client(loop, socket, material, expected);
        Tunnel fresh = Tunnel.client(loop, transport, pool.terms().tunnel(), this);
        tunnel = fresh;
        pool.began(fresh);
        outer.start(socket);
        fresh.start();
    }

    /** Whoever waits for the stream is told, whatever else goes wrong. */
    private void fault(TunnelStream outer, String detail) {
        Tunnel held = tunnel;
        try {
            if (held == null) {
                outer.cancel(Http2Code.INTERNAL_ERROR);
            } else {
                held.close(CloseReason.BUG, detail);
            }
        } finally {
            fail(CloseReason.BUG, detail);
        }
    }

    @Override
    public void onTunnelOpen(PeerIdentity peer) {
        Tunnel held = tunnel;
        counted = true;
        pool.surroundings().telemetry().metrics().tunnelOpened(TunnelRole.CLIENT);
        if (over || held == null) {
            return;
        }
        try {
            stream = held.connect(request, this);
            deadline.start(loop, this::unanswered, pool.terms().responseNanos());
        } catch (ConnectRefusedException e) {
            giveUp(CloseReason.LIMIT_REACHED, e.getMessage());
        }
    }

    private void unanswered() {
        giveUp(CloseReason.CONNECT_RESPONSE_TIMEOUT, "no answer to the inner CONNECT");
    }

    @Override
    public void onResponse(ConnectResponse response) {
        TunnelStream answered = stream;
        if (over || answered == null) {
            return;
        }
        if (!response.isConnected()) {
            giveUp(CloseReason.CONNECT_REFUSED_STATUS, "status " + response.status());
            return;
        }
        over = true;
        deadline.cancel();
        listener.onStreamOpen(answered, response);
    }

    @Override
    public void onStreamLost(CloseReason reason, @Nullable String detail) {
        fail(reason, detail);
    }

    /** Its one stream is gone: the tunnel goes too. */
    @Override
    public void onTunnelRoom() {
        Tunnel held = tunnel;
        if (held != null && stream != null && held.streams() == 0) {
            held.end(CloseReason.NORMAL, "its connection has ended");
        }
    }

    @Override
    public void onTunnelConnect(TunnelStream opened, ConnectRequest asked) {
        throw new IllegalStateException("a client tunnel accepts no streams");
    }

    @Override
    public void onTunnelMalformed(RequestFault fault) {
        throw new IllegalStateException("a client tunnel takes no requests");
    }

    @Override
    public void onTunnelFault(BadPeer kind) {
        pool.count(kind);
    }

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
        pool.ended(tunnel, reason, badPeer);
        if (counted) {
            pool.surroundings().telemetry().metrics().tunnelClosed(TunnelRole.CLIENT);
        }
        fail(reason, detail);
    }

    private void giveUp(CloseReason reason, @Nullable String detail) {
        if (!over) {
            run();
            listener.onStreamFailed(reason, detail);
        }
    }

    private void fail(CloseReason reason, @Nullable String detail) {
        if (!over) {
            over = true;
            deadline.cancel();
            listener.onStreamFailed(reason, detail);
        }
    }

    /** Ends the attempt without a further word. */
    @Override
    public void run() {
        if (over) {
            return;
        }
        over = true;
        deadline.cancel();
        cancelOuter.run();
        Tunnel held = tunnel;
        if (held != null) {
            held.close(CloseReason.NORMAL, "the connection is not wanted any more");
        }
    }
}
