package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.sim.SimTlsSocket;
import io.culvert.agent.tls.TrafficSecret;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLEngine;
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
    private final List<SimTlsSocket> sockets = new ArrayList<>();
    private @Nullable Gen gen;
    private boolean all;

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

    /** From now on the "kernel" makes and reads the records of two ends in three. */
    public void handOver(Gen chance) {
        gen = chance;
    }

    /** From now on it makes and reads the records of all. */
    public void handOverAll(Gen chance) {
        gen = chance;
        all = true;
    }

    private Transport make(Loop loop, RelaySocket socket, TlsMaterial material, NullEngine engine, boolean client) {
        engines.add(engine);
        Gen chance = gen;
        RelaySocket carrier = socket;
        if (chance != null && socket instanceof SimSocket simulated && (all || !chance.oneIn(3))) {
            SimTlsSocket kernels = new SimTlsSocket(simulated, chance, engine::sent, engine::received);
            sockets.add(kernels);
            carrier = kernels;
        }
        return new Watched(new TlsTransport(loop, carrier, material, engine, KEYS, client), client);
    }

    /** What any connection's records are protected with: nothing. */
    private static final TlsTransport.KeySource KEYS = new TlsTransport.KeySource() {
        @Override
        public boolean isThere(TlsMaterial material) {
            return true;
        }

        @Override
        public KernelKeys keysOf(TlsMaterial material, SSLEngine engine, boolean client) {
            return new KernelKeys(secret(), secret(), client, false);
        }

        private TrafficSecret secret() {
            return TrafficSecret.of("TLS_AES_128_GCM_SHA256", new byte[32]);
        }
    };

    /** Of how many connections the records were handed over. */
    public long handedOver() {
        return sockets.stream().filter(SimTlsSocket::isHandedOver).count();
    }

    /** How many bytes went by way of pipes, into tunnels and out of them. */
    public long spliced() {
        return sockets.stream().mapToLong(SimTlsSocket::spliced).sum();
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
        public boolean splices() {
            return transport.splices();
        }

        @Override
        public void write(ByteBuffer plain, Pipe payload, BufferShare.Lender lender) {
            writes++;
            transport.write(plain, payload, lender);
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
