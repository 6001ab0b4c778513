package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.contract.App.Content;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The contract of two relays with a tunnel between them, and what becomes of its streams when it goes. */
class TunnelRelayTest extends RelayContract {
    @Override
    RelayPath newPath(RealNet on) {
        return new TunnelPath(on, on.loop(0), on.loop(1));
    }

    private TunnelPath tunnelPath() {
        return (TunnelPath) path();
    }

    @Test
    void finishesItsStreams_whenItsTunnelIsDrained() throws IOException {
        TunnelPath path = tunnelPath();
        Ends ends = connect();
        CompletableFuture<Content> read = App.beside(ends.server()::readToEnd);
        Content first = ends.client().sendMuch(1, 1_000_000);
        path.server().loop().execute(path.server().tunnel()::drain);
        Eventually.holds(
                "the client knows",
                PATIENCE,
                () -> net.on(net.loop(0), () -> !path.tunnel().canOpen(100)));
        assertFalse(path.isClosed());
        ends.server().send("still here");
        assertEquals("still here", ends.client().read(10));
        ends.client().end();
        assertEquals(first, RealNet.await(read));
        ends.server().end();
        assertTrue(ends.client().seesEnd());
        ends.assertClosed(CloseReason.NORMAL);
        assertEquals(CloseReason.DRAINED, path.server().closed());
        assertEquals(CloseReason.DRAINED, path.closed());
    }

    @Test
    void resetsBothApplications_whenItsTunnelIsCut() throws IOException {
        Ends ends = connect();
        ends.client().send("question");
        assertEquals("question", ends.server().read(8));
        CompletableFuture<Boolean> reset = App.beside(ends.server()::seesReset);
        tunnelPath().cut();
        assertTrue(ends.client().cannotSend());
        assertTrue(RealNet.await(reset), "an end would pass for a whole answer");
        assertEquals(CloseReason.TUNNEL_LOST, tunnelPath().server().closed());
    }

    @Test
    void resetsBothApplications_whenItsTunnelIsClosed() throws IOException {
        Ends ends = connect();
        ends.client().send("question");
        assertEquals("question", ends.server().read(8));
        CompletableFuture<Boolean> server = App.beside(ends.server()::seesReset);
        CompletableFuture<Boolean> client = App.beside(ends.client()::seesReset);
        tunnelPath()
                .server()
                .loop()
                .execute(() -> tunnelPath().server().tunnel().close(CloseReason.POD_REMOVED, "the pod is gone"));
        assertTrue(RealNet.await(server));
        assertTrue(RealNet.await(client));
    }
}
