package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The agent's transports on {@link NullEngine}, and a look at the tunnels that they carry. */
public final class SimTransports implements Transport.Factory {
    /** A fault of ours that meets every client's transport. */
    enum Fault {
        NONE,
        WHEN_MADE,
        BEFORE_STARTED,
        WHEN_STARTED
    }

    Fault fault = Fault.NONE;
    /** Batches that tunnels had written, each of them a record or more. */
    int writes;

    private final Map<String, TlsMaterial> known = new HashMap<>();
    private final List<NullEngine> engines = new ArrayList<>();
    private final List<Tunnel> tunnels = new ArrayList<>();

    /** Has an identity believed. */
    public void know(TlsMaterial material) {
        known.put(material.id().uri(), material);
    }

    @Override
    public Transport server(Loop loop, RelaySocket socket, TlsMaterial material) {
        return make(loop, socket, material, new NullEngine(material, false, List.of(), this::find), false);
    }

    @Override
    public Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected) {
        meet(Fault.WHEN_MADE);
        return make(loop, socket, material, new NullEngine(material, true, expected, this::find), true);
    }

    private void meet(Fault here) {
        if (fault == here) {
            throw new AssertionError("injected " + here);
        }
    }

    private @Nullable TlsMaterial find(String uri) {
        return known.get(uri);
    }

    private Transport make(Loop loop, RelaySocket socket, TlsMaterial material, NullEngine engine, boolean client) {
        engines.add(engine);
        return new Watched(new TlsTransport(loop, socket, material, engine), client);
    }

    /** Notes which tunnel it is started for. */
    private final class Watched implements Transport {
        private final Transport transport;
        private final boolean client;

        private Watched(Transport transport, boolean client) {
            this.transport = transport;
            this.client = client;
        }

        @Override
        public void start(Events told) {
            if (told instanceof Tunnel tunnel) {
                tunnels.add(tunnel);
            }
            if (client) {
                meet(Fault.BEFORE_STARTED);
            }
            transport.start(told);
            if (client) {
                meet(Fault.WHEN_STARTED);
            }
        }

        @Override
        public PeerIdentity peer() {
            return transport.peer();
        }

        @Override
        public void write(ByteBuffer plain, BufferShare.Lender lender) {
            writes++;
            transport.write(plain, lender);
        }

        @Override
        public @Nullable PeerRejectedException revoked() {
            return transport.revoked();
        }

        @Override
        public boolean isBlocked() {
            return transport.isBlocked();
        }

        @Override
        public boolean wasStarved() {
            return transport.wasStarved();
        }

        @Override
        public boolean isClosed() {
            return transport.isClosed();
        }

        @Override
        public void close() {
            transport.close();
        }
    }

    /** Every tunnel that is at rest has all its credit back. */
    public void assertCreditReturned() {
        for (Tunnel tunnel : tunnels) {
            if (tunnel.isOpen() && tunnel.streams() == 0) {
                assertEquals(0, tunnel.session().openStreams(), () -> tunnel + " has no stream left behind");
                assertEquals(
                        tunnel.terms().session().connectionWindowBytes(),
                        tunnel.session().receiveCredit(),
                        () -> tunnel + " has all its credit");
            }
        }
    }

    /** Every engine was released, which happens once or throws. */
    public void assertEnginesReleased() {
        assertEquals(0, engines.stream().filter(engine -> engine.refCnt() != 0).count(), "engines not released");
    }
}
