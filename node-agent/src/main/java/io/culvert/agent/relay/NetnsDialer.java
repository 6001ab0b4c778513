package io.culvert.agent.relay;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.Deadline;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Errno;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Opens TCP connections from within a pod's network namespace, marked so that the redirect rules leave them alone.
 *
 * <p>Runs on: its loop. Bounds: each attempt ends at the timeout.
 */
public final class NetnsDialer implements Dialer {
    private final DataLoop loop;
    private final SocketFactory sockets;
    private final @Nullable PodNetns netns;
    private final ConnectSpec spec;
    private final long timeoutNanos;

    public NetnsDialer(
            DataLoop loop, SocketFactory sockets, @Nullable PodNetns netns, ConnectSpec spec, long timeoutNanos) {
        this.loop = loop;
        this.sockets = sockets;
        this.netns = netns;
        this.spec = spec;
        this.timeoutNanos = timeoutNanos;
    }

    @Override
    public Runnable dial(IpPort target, @Nullable IpAddress source, Listener listener) {
        Attempt attempt = new Attempt(target, listener);
        try {
            long started = sockets.connectTcp(
                    netns,
                    spec,
                    target.ip().high(),
                    target.ip().low(),
                    target.port(),
                    source == null ? 0 : source.high(),
                    source == null ? 0 : source.low());
            attempt.begin(loop, started, timeoutNanos);
        } catch (ShimException | RuntimeException e) {
            attempt.fail(false, "connect to " + target + ": " + e.getMessage());
        }
        return attempt;
    }

    private static final class Attempt implements RelaySocket.Listener, Runnable {
        private final IpPort target;
        private final Listener listener;
        private @Nullable TcpSocket socket;
        private final Deadline deadline = new Deadline();
        private boolean over;

        Attempt(IpPort target, Listener listener) {
            this.target = target;
            this.listener = listener;
        }

        void begin(DataLoop loop, long started, long timeoutNanos) {
            int fd = SocketFactory.fdOf(started);
            TcpSocket adopted = TcpSocket.adopt(loop, fd);
            adopted.listener(this);
            socket = adopted;
            if (SocketFactory.isConnected(started)) {
                succeed(adopted);
            } else {
                adopted.awaitWritable();
                deadline.start(loop, () -> fail(true, "connect to " + target + " timed out"), timeoutNanos);
            }
        }

        @Override
        public void onReady() {
            TcpSocket connecting = socket;
            if (over || connecting == null) {
                return;
            }
            try {
                int errno = SocketFactory.connectError(connecting.fd().intValue());
                if (errno != 0) {
                    fail(false, "connect to " + target + ": " + Errno.describe(errno));
                } else if (connecting.remoteAddress() != null) {
                    succeed(connecting);
                }
            } catch (ShimException e) {
                fail(false, "connect to " + target + ": " + e.getMessage());
            }
        }

        @Override
        public void onFault(RuntimeException fault) {
            fail(false, "connect to " + target + ": " + fault);
        }

        private void succeed(TcpSocket connected) {
            over = true;
            deadline.cancel();
            Dialer.handOver(connected, target, listener);
        }

        void fail(boolean timedOut, String detail) {
            if (!over) {
                run();
                listener.onDialFailed(timedOut, detail);
            }
        }

        /** Ends the attempt silently. */
        @Override
        public void run() {
            if (over) {
                return;
            }
            over = true;
            deadline.cancel();
            TcpSocket abandoned = socket;
            if (abandoned != null) {
                abandoned.close();
            }
        }
    }
}
