package io.culvert.agent.dns;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.relay.Dialer;
import io.culvert.protocol.dns.DnsExchange;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.PodNetns;
import io.culvert.shim.SocketFactory;
import java.util.Random;

/**
 * The name servers, asked from within a pod's network namespace: one after the other until one answers. Every try has a socket,
 * a port of the kernel's choice and an id of its own.
 *
 * <p>Runs on: its loop. Bounds: servers times attempts, each with a timeout.
 *
 * <p>Source: RFC 5452, resolv.conf(5).
 */
final class NetUpstream implements Upstream {
    private static final int IDS = 1 << 16;

    /**
     * What it works with.
     *
     * @param dialer connects from within the pod's namespace
     * @param mark of every packet, so that it is not redirected to us again
     */
    record Surroundings(
            DataLoop loop,
            SocketFactory sockets,
            PodNetns netns,
            Dialer dialer,
            int mark,
            NameServers servers,
            Random unpredictable) {}

    private final Surroundings surroundings;

    NetUpstream(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Runnable ask(byte[] request, DnsProtocol protocol, Listener listener) {
        Attempts attempts =
                new Attempts(request, protocol, listener, surroundings.servers().current());
        attempts.next("there is no server to ask");
        return attempts;
    }

    /** The tries of one query. */
    private final class Attempts implements Listener, Runnable {
        private final byte[] request;
        private final DnsProtocol protocol;
        private final Listener listener;
        private final ResolvConf conf;
        private Runnable current = () -> {};
        private int tries;
        private boolean over;

        Attempts(byte[] request, DnsProtocol protocol, Listener listener, ResolvConf conf) {
            this.request = request;
            this.protocol = protocol;
            this.listener = listener;
            this.conf = conf;
        }

        void next(String whyNot) {
            if (tries >= conf.servers().size() * conf.attempts()) {
                over = true;
                listener.onFailure(whyNot);
                return;
            }
            IpPort server = conf.servers().get(tries % conf.servers().size());
            tries++;
            byte[] asked =
                    DnsExchange.withId(request, surroundings.unpredictable().nextInt(IDS));
            UpstreamTry started = switch (protocol) {
                case UDP -> new UdpTry(surroundings, server, asked, this);
                case TCP -> new TcpTry(surroundings, server, asked, this);
            };
            current = started::cancel;
            started.start(conf.timeout().toNanos());
        }

        @Override
        public void onAnswer(byte[] response) {
            if (over) {
                return;
            }
            over = true;
            try {
                listener.onAnswer(DnsExchange.withId(response, DnsExchange.id(request)));
            } catch (RuntimeException | Error e) {
                // Whoever waits is told, and gives back what it holds.
                listener.onFailure("a fault in the agent: " + e);
                throw e;
            }
        }

        @Override
        public void onFailure(String why) {
            if (!over) {
                // Not from within the try that failed, or many failures at once would pile up on the stack.
                surroundings.loop().execute(() -> {
                    if (!over) {
                        next(why);
                    }
                });
            }
        }

        /** Cancels. */
        @Override
        public void run() {
            over = true;
            current.run();
        }
    }
}
