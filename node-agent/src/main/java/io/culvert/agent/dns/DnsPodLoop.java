package io.culvert.agent.dns;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.relay.RelaySocket;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * One pod's part of one loop: its resolver, what that remembers, and the TCP connections that are open here.
 *
 * <p>Runs on: its loop.
 */
final class DnsPodLoop implements DnsConnection.Owner {
    private final DnsPod pod;
    private final DataLoop loop;
    private final PodResolver resolver;
    private final AnswerCache cache;
    private final Set<DnsConnection> connections = new LinkedHashSet<>();
    private boolean draining;
    private boolean closed;

    DnsPodLoop(DnsPod pod, DataLoop loop, PodResolver resolver, AnswerCache cache) {
        this.pod = pod;
        this.loop = loop;
        this.resolver = resolver;
        this.cache = cache;
    }

    DataLoop loop() {
        return loop;
    }

    PodResolver resolver() {
        return resolver;
    }

    /** Serves a connection, or closes it when there are too many. */
    void accept(RelaySocket socket) {
        if (closed || !pod.connect()) {
            socket.close();
            return;
        }
        DnsConnection connection = new DnsConnection(loop, socket, resolver, this);
        connections.add(connection);
        connection.start();
        if (draining) {
            connection.drain();
        }
    }

    @Override
    public void onClosed(DnsConnection connection) {
        if (connections.remove(connection)) {
            pod.disconnect();
        }
    }

    void drain() {
        draining = true;
        List.copyOf(connections).forEach(DnsConnection::drain);
    }

    void close() {
        closed = true;
        List.copyOf(connections).forEach(DnsConnection::close);
        resolver.close();
        cache.close();
    }
}
