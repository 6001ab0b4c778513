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
    private final Map<String, TlsMaterial> known = new HashMap<>();
    private final List<NullEngine> engines = new ArrayList<>();
    private final List<Tunnel> tunnels = new ArrayList<>();

    /** Has an identity believed. */
    public void know(TlsMaterial material) {
        known.put(material.id().uri(), material);
    }

    @Override
    public Transport server(Loop loop, RelaySocket socket, TlsMaterial material) {
        return make(loop, socket, material, new NullEngine(material, false, List.of(), this::find));
    }

    @Override
    public Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected) {
        return make(loop, socket, material, new NullEngine(material, true, expected, this::find));
    }

    private @Nullable TlsMaterial find(String uri) {
        return known.get(uri);
    }

    private Transport make(Loop loop, RelaySocket socket, TlsMaterial material, NullEngine engine) {
        engines.add(engine);
        return new Watched(new TlsTransport(loop, socket, material, engine));
    }

    /** Notes which tunnel it is started for. */
    private final class Watched implements Transport {
        private final Transport transport;

        private Watched(Transport transport) {
            this.transport = transport;
        }

        @Override
        public void start(Events told) {
            if (told instanceof Tunnel tunnel) {
                tunnels.add(tunnel);
            }
            transport.start(told);
        }

        @Override
        public PeerIdentity peer() {
            return transport.peer();
        }

        @Override
        public void write(ByteBuffer plain, BufferShare.Lender lender) {
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
