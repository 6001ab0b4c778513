package io.culvert.agent.dns;

import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.dns.DnsExchange;
import io.culvert.protocol.dns.DnsFrames;
import io.culvert.protocol.net.IpPort;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One message to one server over a TCP connection of its own. */
final class TcpTry extends UpstreamTry implements Dialer.Listener, RelaySocket.Listener {
    private final ByteBuffer out;
    private Runnable dialling = () -> {};
    private @Nullable RelaySocket socket;
    private @Nullable DnsPipe pipe;

    TcpTry(NetUpstream.Surroundings surroundings, IpPort server, byte[] asked, Upstream.Listener listener) {
        super(surroundings, server, asked, listener);
        this.out = DnsFrames.framed(asked);
    }

    @Override
    void begin() {
        dialling = surroundings().dialer().dial(server(), null, this);
    }

    @Override
    public void onConnected(RelaySocket connected) {
        if (isOver()) {
            connected.close();
            return;
        }
        socket = connected;
        pipe = new DnsPipe(surroundings().loop(), connected);
        connected.listener(this);
        onReady();
    }

    @Override
    public void onDialFailed(boolean timedOut, String detail) {
        fail(detail);
    }

    @Override
    public void onReady() {
        RelaySocket open = socket;
        DnsPipe messages = pipe;
        if (isOver() || open == null || messages == null) {
            return;
        }
        if (messages.write(out) == RelaySocket.BROKEN) {
            fail("the connection broke");
            return;
        }
        while (!isOver() && open.isReadable()) {
            read(messages);
        }
    }

    private void read(DnsPipe messages) {
        int count = messages.read();
        if (count < 0) {
            fail("closed the connection");
        } else if (count > 0) {
            byte[] response = messages.next();
            if (response != null && DnsExchange.answers(asked(), response)) {
                succeed(response);
            } else if (response != null) {
                fail("answers what was not asked");
            }
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        fail(String.valueOf(fault));
    }

    @Override
    void release() {
        dialling.run();
        RelaySocket open = socket;
        if (open != null) {
            open.close();
        }
    }
}
