package io.culvert.agent.proxy;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.route.Route;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.socks.SocksNegotiation;
import io.culvert.protocol.socks.SocksReply;
import io.culvert.protocol.socks.SocksTarget;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The socket of a client in the pod that says by SOCKS5 where it is going. It is told that it is connected before it is: what
 * happens then it learns as a captured one does.
 *
 * <p>Runs on: its loop. Bounds: a request has the time of a TLS handshake to arrive, and not a byte behind it is read.
 *
 * <p>Source: RFC 1928.
 */
final class SocksSocket extends DownstreamSocket {
    /** So many reads of what a refused client still sends: closing on unread bytes would take the answer from it. */
    private static final int LAST_READS_MAX = 4;

    private final SocksNegotiation negotiation = new SocksNegotiation();
    private final Deadline deadline = new Deadline();
    private boolean reading;
    /** What the client is told when it ends now; null once it was told that it is connected. */
    private @Nullable SocksReply owed = SocksReply.GENERAL_FAILURE;

    SocksSocket(AcceptedSocket socket, PodConnection connection, CloseReason whenBroken) {
        super(socket, connection, whenBroken);
    }

    private Loop loop() {
        return connection().podLoop().loop();
    }

    @Override
    void findDestination() {
        reading = true;
        long nanos = connection()
                .pod()
                .world()
                .config()
                .proxy()
                .timeouts()
                .handshake()
                .toNanos();
        deadline.start(loop(), () -> connection().attempt(this::isLate), nanos);
        onReady();
    }

    private void isLate() {
        connection().close(CloseReason.BAD_REQUEST, "its SOCKS request did not arrive in time");
    }

    @Override
    public void onReady() {
        if (!reading) {
            super.onReady();
        }
        while (reading && socket().isReadable()) {
            read();
        }
    }

    private void read() {
        ByteBuffer scratch = loop().relayScratch();
        int count = socket().read(scratch.limit(negotiation.wanted()));
        if (count > 0) {
            take(negotiation.receive(scratch.flip()));
        } else if (count == RelaySocket.END) {
            connection().close(CloseReason.BAD_REQUEST, "it ended before it had said where it is going");
        } else if (count == RelaySocket.BROKEN) {
            broke("before it had said where it is going");
        }
    }

    private void take(SocksNegotiation.Step step) {
        switch (step) {
            case SocksNegotiation.Step.More _ -> {}
            case SocksNegotiation.Step.Answer(SocksReply reply) -> {
                if (!say(reply)) {
                    broke("before it had said where it is going");
                }
            }
            case SocksNegotiation.Step.Refusal(SocksReply reply, String why) ->
                refuse(reply, CloseReason.BAD_REQUEST, why);
            case SocksNegotiation.Step.Request(SocksTarget target) -> {
                reading = false;
                deadline.cancel();
                find(target);
            }
        }
    }

    /** Few bytes on a new connection always fit. */
    private boolean say(SocksReply reply) {
        byte[] bytes = reply.bytes();
        ByteBuffer out = loop().relayScratch().put(bytes).flip();
        return socket().write(out) == bytes.length;
    }

    private void refuse(SocksReply answer, CloseReason reason, String why) {
        owed = answer;
        connection().close(reason, why);
    }

    private void find(SocksTarget target) {
        switch (target) {
            case SocksTarget.Address(IpPort destination) -> found(destination);
            case SocksTarget.Host(String name, int port) -> {
                Resolving resolving = new Resolving(name, port);
                Runnable withdraw = connection()
                        .podLoop()
                        .names()
                        .resolve(name, source().ip().isV4(), resolving);
                if (!resolving.over) {
                    connection().opening(withdraw);
                }
            }
        }
    }

    /** Waits for the address of the name that the client asked for. */
    private final class Resolving implements PodNames.Listener {
        private final String name;
        private final int port;
        private boolean over;

        Resolving(String name, int port) {
            this.name = name;
            this.port = port;
        }

        @Override
        public void onResolved(IpAddress ip) {
            over = true;
            connection().attempt(() -> found(new IpPort(ip, port)));
        }

        @Override
        public void onUnresolved(String why) {
            over = true;
            connection()
                    .attempt(() -> refuse(
                            SocksReply.HOST_UNREACHABLE,
                            CloseReason.NO_UPSTREAM,
                            "cannot resolve " + name + ": " + why));
        }
    }

    private void found(IpPort destination) {
        Route.Refused refused = connection().pod().world().router().neverReached(destination);
        if (refused != null) {
            seen(destination);
            Refusals.count(connection().metrics(), refused.reason());
            refuse(SocksReply.NOT_ALLOWED, Refusals.closeReason(refused.reason()), refused.detail());
        } else if (say(SocksReply.SUCCEEDED)) {
            owed = null;
            goesTo(destination);
        } else {
            broke("before the connection was open");
        }
    }

    /** A client that is owed an answer is given it, and an orderly end. */
    @Override
    void end() {
        deadline.cancel();
        reading = false;
        SocksReply last = owed;
        if (last == null || socket().isClosed() || !say(last)) {
            super.end();
            return;
        }
        for (int i = 0; i < LAST_READS_MAX && socket().isReadable(); i++) {
            int _ = socket().read(loop().relayScratch());
        }
        socket().close();
    }
}
