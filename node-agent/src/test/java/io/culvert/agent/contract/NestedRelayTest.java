package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.CloseReason;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The contract of two relays with a tunnel between them that runs in a stream of another, through a gateway. */
class NestedRelayTest extends RelayContract {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Override
    RelayPath newPath(RealNet on) {
        return new NestedPath(on, on.loop(0), on.loop(1));
    }

    private NestedPath nestedPath() {
        return (NestedPath) path();
    }

    @Test
    void opensAnInnerTunnelForEachConnection_inOneOuterTunnel() throws IOException {
        Ends one = connect();
        Ends other = connect();
        one.client().send("one");
        other.client().send("other");
        assertEquals("one", one.server().read(3));
        assertEquals("other", other.server().read(5));
        assertEquals(1, nestedPath().outerTunnels());
        assertEquals(2, nestedPath().innerTunnels());
    }

    @Test
    void endsTheInnerTunnelWithItsConnection() throws IOException {
        Ends ends = connect();
        ends.client().send("question");
        assertEquals("question", ends.server().read(8));
        ends.client().end();
        ends.server().end();
        assertTrue(ends.client().seesEnd());
        ends.assertClosed(CloseReason.NORMAL);
        Eventually.holds(
                "the inner tunnel is closed", PATIENCE, () -> nestedPath().innerIsClosed(0));
        assertEquals(CloseReason.DRAINED, nestedPath().innerClosed(0));
    }

    @Test
    void resetsBothApplications_whenTheOuterTunnelIsClosed() throws IOException {
        Ends ends = connect();
        ends.client().send("question");
        assertEquals("question", ends.server().read(8));
        CompletableFuture<Boolean> server = App.beside(ends.server()::seesReset);
        nestedPath().closeOuter();
        assertTrue(ends.client().cannotSend());
        assertTrue(RealNet.await(server));
    }

    @Test
    void refusesAnEndThatIsNotWhoItShouldBe() {
        assertEquals(CloseReason.PEER_IDENTITY_MISMATCH, nestedPath().dialImpostor());
    }
}
