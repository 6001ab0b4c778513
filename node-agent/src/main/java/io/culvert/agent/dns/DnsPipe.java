package io.culvert.agent.dns;

import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.dns.DnsFrames;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * DNS messages on a TCP connection, which pass through the loop's scratch.
 *
 * <p>Runs on: its loop. Bounds: one message received in part.
 */
final class DnsPipe {
    private final Loop loop;
    private final RelaySocket socket;
    private final DnsFrames frames = new DnsFrames();

    DnsPipe(Loop loop, RelaySocket socket) {
        this.loop = loop;
        this.socket = socket;
    }

    /** Writes a framed message's remaining bytes as far as they are taken; answers as {@link RelaySocket#write}. */
    int write(ByteBuffer framed) {
        int total = 0;
        while (framed.hasRemaining()) {
            ByteBuffer scratch = loop.relayScratch();
            int length = Math.min(scratch.remaining(), framed.remaining());
            scratch.put(framed.slice(framed.position(), length)).flip();
            int taken = socket.write(scratch);
            if (taken == RelaySocket.BROKEN) {
                return taken;
            }
            total += taken;
            framed.position(framed.position() + taken);
            if (taken < length) {
                break;
            }
        }
        return total;
    }

    /** Reads once; answers as {@link RelaySocket#read}. */
    int read() {
        ByteBuffer scratch = loop.relayScratch();
        scratch.limit(Math.min(scratch.capacity(), frames.room()));
        int count = socket.read(scratch);
        if (count > 0) {
            frames.add(scratch.flip());
        }
        return count;
    }

    /** The next whole message; null when there is none yet. */
    byte @Nullable [] next() {
        return frames.next();
    }
}
