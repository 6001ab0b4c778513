package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelayPeer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.ConnectionRecord;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a pod, whichever way it goes: admitted, identified, decided, opened, relayed, and closed once.
 *
 * <p>Runs on: its loop. Owns: the attempt to open it, then the relay; and its record, if it came so far.
 */
abstract class PodConnection implements OpenConnection, Dialer.Listener, RelayOwner {
    /** What a CONNECT is answered when it is not the request that is at fault. */
    static final int UNAVAILABLE = 503;

    private final PodLoop podLoop;
    private final Direction direction;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private Runnable cancelOpening = () -> {};
    private boolean closed;

    PodConnection(PodLoop podLoop, Direction direction) {
        this.podLoop = podLoop;
        this.direction = direction;
    }

    /** Where it comes from, as far as that is known. */
    abstract IpPort source();

    /** Where it was going to, as far as that is known. */
    abstract IpPort destination();

    /** The pod's workload is known: routes it, judges it, opens it, or refuses it. */
    abstract void decide(MeshSnapshot snapshot, Workload self);

    /** It is over; ends what a relay would have ended, if there was one. */
    abstract void released(boolean relayed);

    /** Gives it up before anything was relayed; the status is for those who asked by CONNECT. */
    void refuse(int status, CloseReason reason, @Nullable String detail) {
        close(reason, detail);
    }

    final PodLoop podLoop() {
        return podLoop;
    }

    final Pod pod() {
        return podLoop.pod();
    }

    final Metrics metrics() {
        return pod().world().telemetry().metrics();
    }

    final boolean isClosed() {
        return closed;
    }

    /** Takes its place among the pod's connections and does the first step. */
    final void begin(Runnable firstStep) {
        if (podLoop.admit(this)) {
            attempt(firstStep);
            return;
        }
        refuseAtLimit("the pod has as many connections of this kind as it may have");
    }

    final void refuseAtLimit(String detail) {
        if (direction == Direction.INBOUND) {
            metrics().badPeer(BadPeer.LIMIT);
        }
        refuse(UNAVAILABLE, CloseReason.LIMIT_REACHED, detail);
    }

    final void identify() {
        IpPort own = direction == Direction.OUTBOUND ? source() : destination();
        WorkloadWait.await(podLoop, this, own.ip(), this::identified);
    }

    private void identified(MeshSnapshot snapshot, @Nullable Workload self) {
        if (closed) {
            return;
        }
        if (self == null) {
            refuse(UNAVAILABLE, CloseReason.WORKLOAD_UNKNOWN, pod().identity().unknown());
        } else {
            decide(snapshot, self);
        }
    }

    /** From here on it is counted with its labels and has a line of its own in the access log. */
    final void recordOpen(ConnectionFacts facts) {
        record = pod().world().telemetry().open(facts);
    }

    /** It is being opened; the task ends the attempt. */
    final void opening(Runnable cancel) {
        cancelOpening = cancel;
    }

    final void relay(RelaySocket app, RelayPeer peer) {
        Relay started = new Relay(podLoop.loop(), app, peer, this);
        relay = started;
        ConnectionRecord opened = record;
        if (opened != null) {
            opened.established();
        }
        peer.start(started);
    }

    /** What was dialled is connected. */
    abstract void connected(RelaySocket socket);

    @Override
    public final void onConnected(RelaySocket socket) {
        if (closed) {
            socket.close();
        } else {
            attempt(() -> connected(socket));
            if (closed && relay == null) {
                // It came to an end before anybody else took the socket on.
                socket.close();
            }
        }
    }

    @Override
    public final void onDialFailed(boolean timedOut, String detail) {
        refuse(UNAVAILABLE, timedOut ? CloseReason.CONNECT_TIMEOUT : CloseReason.CONNECT_FAILED, detail);
    }

    final void countReceived(int bytes) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.received(bytes);
        }
    }

    final void countSent(int bytes) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.sent(bytes);
        }
    }

    @Override
    public void relayedUp(int count) {
        countReceived(count);
    }

    @Override
    public void relayedDown(int count) {
        countSent(count);
    }

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
    }

    @Override
    public final void close(CloseReason reason, @Nullable String detail) {
        if (closed) {
            return;
        }
        closed = true;
        cancelOpening.run();
        Relay running = relay;
        if (running != null) {
            running.fail(reason, detail);
        }
        released(running != null);
        podLoop.forget(this);
        ConnectionRecord opened = record;
        if (opened != null) {
            opened.close(reason, detail);
        } else {
            pod().world().telemetry().refused(direction, source(), destination(), reason, detail);
        }
    }

    @Override
    public final void drain() {
        // It ends by itself, or at the deadline.
    }
}
