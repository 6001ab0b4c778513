package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the calls of the data path allocate: nothing. */
class AllocationTest {
    private static final ConnectSpec SPEC = new ConnectSpec(0x539, new ConnectSpec.Keepalive(180, 180, 9), 0, true);
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final SocketFactory factory = SocketFactory.open();
    private final PodNetns pod = PodNetns.current();
    private final Address at = new Address();
    private final int listener = factory.listenTcp(
            null, new ListenSpec(0, Address.v4Low(0x7f000001), 0, 4096, ListenSpec.Transparency.BEST_EFFORT, false, 0));

    AllocationTest() throws ShimException {
        SocketFactory.localAddress(listener, at);
    }

    @AfterEach
    void close() {
        Fds.close(listener);
        pod.close();
        factory.close();
    }

    /** One call of the kind measured. */
    private interface Call {
        void run() throws ShimException;
    }

    @Test
    void allocatesNothing_perConnect() throws ShimException {
        Address destination = new Address();
        long bytes = bytesPerCall(400, () -> {
            long connecting = factory.connectTcp(pod, SPEC, at.high(), at.low(), at.port(), 0, at.low());
            Fds.close(NativeLibrary.CALLS.culvert_fdpass_accept(listener, 1000));
            SocketFactory.originalDestination(SocketFactory.fdOf(connecting), destination);
            SocketFactory.connectError(SocketFactory.fdOf(connecting));
            SocketFactory.tune(SocketFactory.fdOf(connecting), SPEC);
            Fds.close(SocketFactory.fdOf(connecting));
        });
        assertTrue(bytes == 0, () -> bytes + " bytes per connection");
    }

    /** The least of several rounds: in others the JVM itself allocates on this thread while it links and compiles. */
    private static long bytesPerCall(int calls, Call call) throws ShimException {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20 && least > 0; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < calls; i++) {
                call.run();
            }
            least = Math.min(least, (THREADS.getCurrentThreadAllocatedBytes() - before) / calls);
        }
        return least;
    }
}
