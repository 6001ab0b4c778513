package io.culvert.agent.dns;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.dns.DnsExchange;
import io.culvert.protocol.dns.DnsFrames;
import io.culvert.protocol.net.IpPort;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One message to one server over a TCP connection of its own. */
final class TcpTry implements UpstreamTry, Dialer.Listener, RelaySocket.Listener {
    private final NetUpstream.Surroundings surroundings;
    private final IpPort server;
    private final byte[] asked;
    private final Upstream.Listener listener;
    private final Deadline deadline = new Deadline();
    private final DnsFrames frames = new DnsFrames();
    private final ByteBuffer out;
    private Runnable dialling = () -> {};
    private @Nullable RelaySocket socket;
    private boolean over;

    TcpTry(NetUpstream.Surroundings surroundings, IpPort server, byte[] asked, Upstream.Listener listener) {
        this.surroundings = surroundings;
        this.server = server;
        this.asked = asked;
        this.listener = listener;
        this.out = DnsFrames.framed(asked);
    }

    @Override
    public void start(long timeoutNanos) {
        deadline.start(surroundings.loop(), () -> fail("does not answer"), timeoutNanos);
        dialling = surroundings.dialer().dial(server, null, this);
    }

    @Override
    public void onConnected(RelaySocket connected) {
        if (over) {
            connected.close();
            return;
        }
        socket = connected;
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
        if (over || open == null) {
            return;
        }
        if (out.hasRemaining() && !write(open)) {
            fail("the connection broke");
            return;
        }
        while (!over && open.isReadable()) {
            read(open);
        }
    }

    private boolean write(RelaySocket to) {
        while (out.hasRemaining()) {
            ByteBuffer scratch = surroundings.loop().relayScratch();
            int length = Math.min(scratch.remaining(), out.remaining());
            scratch.put(out.slice(out.position(), length)).flip();
            int taken = to.write(scratch);
            if (taken == RelaySocket.BROKEN) {
                return false;
            }
            out.position(out.position() + taken);
            if (taken < length) {
                return true;
            }
        }
        return true;
    }

    private void read(RelaySocket from) {
        ByteBuffer scratch = surroundings.loop().relayScratch();
        scratch.limit(Math.min(scratch.capacity(), frames.room()));
        int count = from.read(scratch);
        if (count < 0) {
            fail("closed the connection");
        } else if (count > 0) {
            frames.add(scratch.flip());
            byte[] response = frames.next();
            if (response != null && DnsExchange.answers(asked, response)) {
                cancel();
                listener.onAnswer(response);
            } else if (response != null) {
                fail("answers what was not asked");
            }
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        fail(String.valueOf(fault));
    }

    private void fail(String why) {
        if (!over) {
            cancel();
            listener.onFailure("DNS server " + server + ": " + why);
        }
    }

    @Override
    public void cancel() {
        if (over) {
            return;
        }
        over = true;
        deadline.cancel();
        dialling.run();
        RelaySocket open = socket;
        if (open != null) {
            open.close();
        }
    }
}
