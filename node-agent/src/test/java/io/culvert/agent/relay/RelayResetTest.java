package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimPipe;
import io.culvert.agent.telemetry.CloseReason;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Applications that reset while nobody takes what they had sent: a direct connection would tell the other end at once. */
class RelayResetTest implements RelayOwner {
    private final SimLoop loop = new SimLoop(192L << 20);
    private final List<CloseReason> closed = new ArrayList<>();
    private final List<String> details = new ArrayList<>();

    private static void fill(SimPipe socket) {
        ByteBuffer zeros = ByteBuffer.allocate(10_000);
        while (socket.isWritable() && socket.write(zeros.clear()) > 0) {}
    }

    @Test
    void tellsTheServer_whenTheClientResets_whoseBytesItDoesNotTake() {
        SimPipe[] near = SimPipe.pair(loop, "10.0.0.1", 1, "10.0.0.2", 2, 64 << 10);
        SimPipe[] far = SimPipe.pair(loop, "10.0.0.3", 3, "10.0.0.4", 4, 64 << 10);
        SocketPeer peer = new SocketPeer(loop, far[0]);
        peer.start(new Relay(loop, near[1], peer, this));
        for (int i = 0; i < 100; i++) {
            fill(near[0]);
            loop.run(1_000_000);
        }
        near[0].abort();
        loop.runSeconds(2);
        assertEquals(List.of(CloseReason.RESET_BY_APPLICATION), closed);
        assertTrue(far[1].errorSeen());
    }

    @Test
    void tellsTheClient_whenTheServerResets_whileBothAreStuckInWriting() {
        SimPipe[] near = SimPipe.pair(loop, "10.0.0.1", 1, "10.0.0.2", 2, 64 << 10);
        SimPipe[] far = SimPipe.pair(loop, "10.0.0.3", 3, "10.0.0.4", 4, 64 << 10);
        SocketPeer peer = new SocketPeer(loop, far[0]);
        peer.start(new Relay(loop, near[1], peer, this));
        for (int i = 0; i < 100; i++) {
            fill(near[0]);
            fill(far[1]);
            loop.run(1_000_000);
        }
        far[1].abort();
        loop.runSeconds(2);
        assertEquals(List.of(CloseReason.RESET_BY_PEER), closed);
        assertTrue(near[0].errorSeen());
    }

    /** Nobody reset anything: a network that is gone must not look like an application that had enough. */
    @Test
    void tellsALostConnection_withTheSystemsError_onEitherSide() {
        for (boolean dialled : List.of(true, false)) {
            SimPipe[] near = SimPipe.pair(loop, "10.0.0.1", 1, "10.0.0.2", 2, 64 << 10);
            SimPipe[] far = SimPipe.pair(loop, "10.0.0.3", 3, "10.0.0.4", 4, 64 << 10);
            SocketPeer peer = new SocketPeer(loop, far[0]);
            peer.start(new Relay(loop, near[1], peer, this));
            (dialled ? far[0] : near[1]).failure("ETIMEDOUT");
            (dialled ? far[1] : near[0]).abort();
            loop.runSeconds(2);
        }
        assertEquals(List.of(CloseReason.CONNECTION_LOST, CloseReason.CONNECTION_LOST), closed);
        assertEquals(List.of("ETIMEDOUT", "ETIMEDOUT"), details);
    }

    @Override
    public void relayedUp(int count) {}

    @Override
    public void relayedDown(int count) {}

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        closed.add(reason);
        details.add(String.valueOf(detail));
    }
}
