package io.culvert.agent.dns;

import io.culvert.agent.proxy.PodNames;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.dns.DnsQuestion;
import io.culvert.protocol.dns.DnsRcode;
import io.culvert.protocol.net.IpAddress;

/**
 * Addresses of names as the pod itself would be told them: the first of what the mesh says, or else of what the node's servers
 * say.
 *
 * <p>Runs on: its loop. Bounds: those of the resolver; what does not fit a datagram is asked for once more, by TCP.
 */
final class ResolvedNames implements PodNames {
    private final PodResolver resolver;

    ResolvedNames(PodResolver resolver) {
        this.resolver = resolver;
    }

    @Override
    public Runnable resolve(String hostname, boolean v4, Listener listener) {
        DnsName name;
        try {
            name = DnsName.parse(hostname);
        } catch (IllegalArgumentException e) {
            listener.onUnresolved("it is no domain name");
            return () -> {};
        }
        Wish wish = new Wish(DnsQuestion.of(name, v4), v4, listener);
        wish.ask(DnsProtocol.UDP);
        return wish;
    }

    /** One name that somebody waits for; run, it ends without a further word. */
    private final class Wish implements PodResolver.Reply, Runnable {
        private final byte[] question;
        private final boolean v4;
        private final Listener listener;
        private DnsProtocol asked = DnsProtocol.UDP;
        private boolean over;

        Wish(byte[] question, boolean v4, Listener listener) {
            this.question = question;
            this.v4 = v4;
            this.listener = listener;
        }

        void ask(DnsProtocol protocol) {
            asked = protocol;
            resolver.resolve(question, protocol, this);
        }

        @Override
        public void send(byte[] response) {
            if (over) {
                return;
            }
            DnsQuestion.Answer answer = DnsQuestion.answer(response, v4);
            IpAddress first = answer.first();
            if (first != null) {
                over = true;
                listener.onResolved(first);
            } else if (answer.truncated() && asked == DnsProtocol.UDP) {
                ask(DnsProtocol.TCP);
            } else {
                fail(why(answer.rcode()));
            }
        }

        private String why(int rcode) {
            return rcode == DnsRcode.NOERROR.number()
                    ? "it has no IPv" + (v4 ? 4 : 6) + " address"
                    : "the answer is code " + rcode;
        }

        @Override
        public void nothing() {
            fail("the pod's DNS proxy has ended");
        }

        private void fail(String why) {
            if (!over) {
                over = true;
                listener.onUnresolved(why);
            }
        }

        @Override
        public void run() {
            over = true;
        }
    }
}
