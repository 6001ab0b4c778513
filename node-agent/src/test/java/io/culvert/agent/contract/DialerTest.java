package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.shim.Fds;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What whoever dials is told, on a real loop. */
class DialerTest {
    /** One who cannot cope with being connected. */
    private static final class Faulty implements Dialer.Listener {
        private final CompletableFuture<String> failed = new CompletableFuture<>();
        private @Nullable RelaySocket handed;

        @Override
        public void onConnected(RelaySocket socket) {
            assertEquals(null, handed, "told once");
            handed = socket;
            throw new AssertionError("injected");
        }

        @Override
        public void onDialFailed(boolean timedOut, String detail) {
            assertTrue(failed.complete(detail), "told once");
        }
    }

    @Test
    void listenerThatThrows_isToldThatItIsNotConnected_andTheSocketIsClosed() {
        try (RealNet net = new RealNet(1)) {
            DataLoop loop = net.loop(0);
            RealNet.Listening there = net.listen();
            for (int i = 0; i < 20; i++) {
                Faulty faulty = new Faulty();
                Runnable cancel = net.on(loop, () -> net.dial(loop, there.address(), faulty));
                String detail = RealNet.await(faulty.failed);
                assertTrue(detail.contains(there.address().toString()) && detail.contains("injected"), detail);
                assertTrue(net.on(loop, () -> handed(faulty).isClosed()));
                net.run(loop, cancel::run);
                Fds.close(RealNet.accept(there));
            }
            RealNet.close(there);
        }
    }

    private static RelaySocket handed(Faulty faulty) {
        RelaySocket handed = faulty.handed;
        if (handed == null) {
            throw new AssertionError("it was never connected");
        }
        return handed;
    }
}
