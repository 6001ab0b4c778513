package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A session's server role behind a plain TCP port on loopback: CONNECT streams echo; any other request is refused once it
 * has ended, so that a tester sees what happens on an open stream.
 */
final class H2specServer implements AutoCloseable {
    private final ServerSocket listening;

    H2specServer() throws IOException {
        listening = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::acceptAll);
    }

    int port() {
        return listening.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }

    private void acceptAll() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            new Connection(socket).run();
        } catch (IOException e) {
            // The tester hangs up in every way there is; that ends this connection and nothing else.
            return;
        }
    }

    private static final class Connection implements HboneListener {
        private final Socket socket;
        /** The tester takes the default frame size for granted in one case. */
        private final HboneSession session =
                HboneSession.server(HboneSettings.forServer().withFrameBytesMax(16_384), this);

        private final byte[] out = new byte[64 << 10];

        Connection(Socket socket) {
            this.socket = socket;
        }

        void run() throws IOException {
            byte[] in = new byte[64 << 10];
            flush();
            while (!session.isFinished()) {
                int n = socket.getInputStream().read(in);
                if (n < 0) {
                    return;
                }
                session.receive(ByteBuffer.wrap(in, 0, n), System.nanoTime());
                flush();
            }
            linger();
        }

        /** Closing with unread input would destroy the GOAWAY on its way. */
        private void linger() throws IOException {
            socket.shutdownOutput();
            socket.setSoTimeout(1000);
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        }

        private void flush() throws IOException {
            OutputStream to = socket.getOutputStream();
            while (session.pendingOutput() > 0) {
                int n = session.drainOutput(ByteBuffer.wrap(out));
                to.write(out, 0, n);
            }
            for (HboneStream s : streamsWithData()) {
                echo(s, to);
            }
        }

        private Queue<HboneStream> streamsWithData() {
            Queue<HboneStream> found = new ArrayDeque<>();
            session.forEachOpen(s -> {
                if (s.attachment() instanceof ByteBuffer echo && (echo.position() > 0 || s.isRemoteEnded())) {
                    found.add(s);
                }
            });
            return found;
        }

        private void echo(HboneStream s, OutputStream to) throws IOException {
            if (!(s.attachment() instanceof ByteBuffer echo)) {
                return;
            }
            int n = Math.min(echo.position(), session.sendable(s));
            boolean end = s.isRemoteEnded() && n == echo.position();
            if (n > 0 || end) {
                ByteBuffer header = ByteBuffer.allocate(9);
                session.dataHeader(s, n, end, header);
                to.write(header.array());
                byte[] payload = new byte[n];
                echo.flip().get(payload);
                echo.compact();
                to.write(payload);
                session.consumed(s, n);
            }
        }

        @Override
        public void onConnect(HboneStream s, ConnectRequest r) {
            s.attach(ByteBuffer.allocate(s.receiveWindow));
            session.accept(s, null);
        }

        @Override
        public void onMalformedRequest(HboneStream s, RequestFault f) {
            s.attach(f);
            if (f.isProtocolError()) {
                session.refuse(s, f.status());
            }
        }

        @Override
        public void onData(HboneStream s, ByteBuffer in, int length) {
            if (s.attachment() instanceof ByteBuffer echo) {
                echo.put(in.slice(in.position(), length));
            } else {
                session.consumed(s, length);
            }
        }

        @Override
        public void onEnd(HboneStream s) {
            if (s.attachment() instanceof RequestFault f) {
                session.refuse(s, f.status());
            }
        }

        @Override
        public void onReset(HboneStream s, int code) {
            session.reset(s, code);
        }

        @Override
        public void onSendable(HboneStream s) {}

        @Override
        public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {}
    }
}
