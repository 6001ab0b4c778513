package io.culvert.agent.dns;

import io.culvert.agent.base.Loop;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.telemetry.DnsLabels;
import io.culvert.agent.telemetry.DnsLog;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.dns.DnsRcode;
import io.culvert.protocol.dns.DnsReply;
import io.culvert.protocol.dns.DnsRequest;
import io.culvert.protocol.dns.DnsType;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Workload;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Answers a pod's queries on one loop.
 *
 * <p>Runs on: its loop. Bounds: as many queries under way as there are places; one more is refused with SERVFAIL.
 */
final class PodResolver {
    static final int TTL_SECONDS = 30;

    /** Told once what to answer, unless the resolver is closed before. */
    interface Reply {
        void send(byte[] response);

        /** There is nothing to answer to. */
        void nothing();
    }

    /** What it works with. */
    record Surroundings(
            Loop loop, ClientWait client, MeshNames names, Upstream upstream, Metrics metrics, DnsPod pod) {}

    private final Surroundings surroundings;
    private final Set<Query> underWay = new LinkedHashSet<>();
    private boolean closed;

    PodResolver(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** Takes a query; the answer may come before this returns. */
    void resolve(byte[] request, DnsProtocol protocol, Reply reply) {
        if (closed) {
            reply.nothing();
            return;
        }
        switch (DnsRequest.parse(request)) {
            case DnsRequest.Fragment fragment -> reply.nothing();
            case DnsRequest.Malformed malformed -> reply.send(DnsReply.error(request, DnsRcode.FORMERR));
            case DnsRequest.Other other -> begin(new Query(request, other.type(), null, protocol, reply), null);
            case DnsRequest.Lookup lookup ->
                begin(new Query(request, lookup.type(), lookup.name(), protocol, reply), lookup);
        }
    }

    private void begin(Query query, DnsRequest.@Nullable Lookup lookup) {
        if (!surroundings.pod().begin()) {
            query.reply.send(DnsReply.error(query.request, DnsRcode.SERVFAIL));
            return;
        }
        underWay.add(query);
        if (lookup == null) {
            query.passOn();
        } else {
            surroundings.client().await((snapshot, client) -> query.lookUp(lookup, snapshot, client));
        }
    }

    private DnsLabels labels(int type, DnsProtocol protocol) {
        Workload client = surroundings.client().known(surroundings.pod().mesh().current());
        return new DnsLabels(
                DnsType.name(type),
                protocol.label(),
                client == null ? "" : client.canonicalName(),
                client == null ? "" : client.canonicalRevision());
    }

    /** Drops what is under way. */
    void close() {
        closed = true;
        surroundings.client().close();
        List.copyOf(underWay).forEach(Query::drop);
    }

    /** A query that has a place. */
    private final class Query implements Upstream.Listener {
        private final byte[] request;
        private final int type;
        private final @Nullable DnsName name;
        private final DnsProtocol protocol;
        private final Reply reply;
        private @Nullable DnsLabels passedOn;
        private Runnable cancel = () -> {};
        private long askedNanos;

        Query(byte[] request, int type, @Nullable DnsName name, DnsProtocol protocol, Reply reply) {
            this.request = request;
            this.type = type;
            this.name = name;
            this.protocol = protocol;
            this.reply = reply;
        }

        void lookUp(DnsRequest.Lookup lookup, MeshSnapshot snapshot, @Nullable Workload client) {
            if (!underWay.contains(this)) {
                return;
            }
            if (client == null) {
                surroundings.metrics().dnsRequest(labels(type, protocol));
                log(DnsLog.Result.CLIENT_UNKNOWN, List.of());
                finish(DnsReply.error(request, DnsRcode.SERVFAIL));
                return;
            }
            switch (surroundings.names().find(snapshot, client, lookup)) {
                case MeshNames.Finding.Unknown unknown -> passOn();
                case MeshNames.Finding.Known known -> {
                    surroundings.metrics().dnsRequest(labels(type, protocol));
                    log(DnsLog.Result.ANSWERED, known.addresses());
                    int bytesMax = protocol == DnsProtocol.TCP ? DnsReply.TCP_BYTES_MAX : DnsReply.udpBytesMax(lookup);
                    finish(DnsReply.addresses(
                            request, lookup, known.canonical(), known.addresses(), TTL_SECONDS, bytesMax));
                }
            }
        }

        void passOn() {
            DnsLabels labels = labels(type, protocol);
            passedOn = labels;
            surroundings.metrics().dnsRequest(labels);
            surroundings.metrics().dnsPassedOn(labels);
            askedNanos = surroundings.loop().nanoTime();
            Runnable asked = surroundings.upstream().ask(request, protocol, this);
            cancel = asked;
        }

        @Override
        public void onAnswer(byte[] response) {
            upstreamEnded(false);
            log(DnsLog.Result.FORWARDED, List.of());
            finish(response);
        }

        @Override
        public void onFailure(String why) {
            upstreamEnded(true);
            log(DnsLog.Result.FAILED, List.of());
            surroundings.pod().upstreamFailed(why);
            finish(DnsReply.error(request, DnsRcode.SERVFAIL));
        }

        private void log(DnsLog.Result result, List<IpAddress> endpoints) {
            if (DnsLog.isOn()) {
                Workload client =
                        surroundings.client().known(surroundings.pod().mesh().current());
                String asked = DnsType.name(type).toUpperCase(Locale.ROOT);
                DnsLog.tell(client, asked, name == null ? null : name.toString(), result, endpoints);
            }
        }

        private void upstreamEnded(boolean failed) {
            DnsLabels labels = passedOn;
            if (labels != null) {
                // Told once: a fault after the answer has come tells of a failure, too.
                passedOn = null;
                long took = surroundings.loop().nanoTime() - askedNanos;
                surroundings.metrics().dnsUpstreamEnded(labels, took, failed);
            }
        }

        private void finish(byte[] response) {
            if (underWay.remove(this)) {
                try {
                    reply.send(response);
                } finally {
                    // The place goes last: whoever waits for the last query to end closes the sockets.
                    surroundings.pod().end();
                }
            }
        }

        private void drop() {
            if (underWay.remove(this)) {
                cancel.run();
                surroundings.pod().end();
            }
        }
    }
}
