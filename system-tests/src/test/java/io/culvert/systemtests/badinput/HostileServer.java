package io.culvert.systemtests.badinput;

import io.culvert.testkit.Netns;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server in a namespace of the lab that does to every connection what the test says.
 *
 * <p>Owns: the listener, a thread for it and one for each connection; all end with {@link #close}.
 */
public final class HostileServer implements AutoCloseable {
    /** What is done to a connection; it stays open until the server is closed, unless the behaviour closes it. */
    @FunctionalInterface
    public interface Behaviour {
        void serve(PeerSocket socket) throws IOException;
    }

    private final PeerSocket.Listener listener;
    private final Behaviour behaviour;
    private final Set<PeerSocket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();

    private HostileServer(PeerSocket.Listener listener, Behaviour behaviour) {
        this.listener = listener;
        this.behaviour = behaviour;
    }

    /** Listens where the lab's agents expect HBONE. */
    public static HostileServer start(Netns in, Behaviour behaviour) {
        HostileServer server = new HostileServer(PeerSocket.listen(in, BadInputLab.HBONE), behaviour);
        Thread.ofVirtual().name("hostile-server").start(server::accept);
        return server;
    }

    private void accept() {
        try {
            while (true) {
                PeerSocket socket = listener.accept();
                open.add(socket);
                accepted.incrementAndGet();
                Thread.ofVirtual().name("hostile-connection").start(() -> serve(socket));
            }
        } catch (IOException closed) {
            return;
        }
    }

    private void serve(PeerSocket socket) {
        try {
            behaviour.serve(socket);
        } catch (IOException gone) {
            // The agent has had enough of it, as it should.
            return;
        }
    }

    /** How many connections came. */
    public int accepted() {
        return accepted.get();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (PeerSocket socket : open) {
            socket.close();
        }
    }
}
