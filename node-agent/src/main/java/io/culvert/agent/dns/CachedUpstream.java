package io.culvert.agent.dns;

import java.util.function.Supplier;

/**
 * Asks the name servers only what they have not answered yet, or what has outlived its time.
 *
 * <p>Runs on: its loop.
 */
final class CachedUpstream implements Upstream {
    private final Upstream upstream;
    private final AnswerCache cache;
    private final Supplier<ResolvConf> servers;
    private ResolvConf answering = ResolvConf.EMPTY;

    /**
     * In front of another.
     *
     * @param servers who is asked now; the answers of others are forgotten
     */
    CachedUpstream(Upstream upstream, AnswerCache cache, Supplier<ResolvConf> servers) {
        this.upstream = upstream;
        this.cache = cache;
        this.servers = servers;
    }

    @Override
    public Runnable ask(byte[] request, DnsProtocol protocol, Listener listener) {
        ResolvConf asked = servers.get();
        forgetOthers(asked);
        byte[] known = cache.find(request, protocol);
        if (known != null) {
            listener.onAnswer(known);
            return () -> {};
        }
        return upstream.ask(request, protocol, new Listener() {
            @Override
            public void onAnswer(byte[] response) {
                if (servers.get().equals(asked)) {
                    forgetOthers(asked);
                    cache.keep(request, protocol, response);
                }
                listener.onAnswer(response);
            }

            @Override
            public void onFailure(String why) {
                listener.onFailure(why);
            }
        });
    }

    private void forgetOthers(ResolvConf now) {
        if (!now.equals(answering)) {
            answering = now;
            cache.clear();
        }
    }
}
