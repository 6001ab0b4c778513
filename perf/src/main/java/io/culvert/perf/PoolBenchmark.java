package io.culvert.perf;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CaClient;
import io.culvert.agent.certs.CallGate;
import io.culvert.agent.certs.CertificateKeeper;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.Transport;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.relay.PeerEvents;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.control.ca.CertificateAuthority;
import io.culvert.control.ca.IssuedCertificate;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a connection costs that finds its tunnel open: the pool looks the tunnel up, CONNECT is sent, its answer comes, both ends
 * end. There is neither a socket nor TLS, and the peer's half of HTTP/2 is included. By one loop, and by two, each with a pool of
 * its own, of one agent.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PoolBenchmark {
    private static final SpiffeId OWN = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/client");
    private static final SpiffeId PEER = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/server");

    /** One agent's. */
    @State(Scope.Benchmark)
    public static class Agent {
        private final Telemetry telemetry = new Telemetry(new Metrics("bench", BuildVersion.current()), Ticker.SYSTEM);
        private final InstantSource clock = InstantSource.system();
        private Path directory;
        private CertificateStore certificates;

        /** Has the client's certificate issued. */
        @Setup
        public void certify() throws IOException, CaException {
            directory = Files.createTempDirectory("culvert-bench-ca");
            SecureRandom random = new SecureRandom();
            CaDirectory roots = CaDirectory.init(
                    directory.resolve("ca"), TrustDomain.CLUSTER_LOCAL, Duration.ofDays(1), clock, random);
            CertificateAuthority authority =
                    new CertificateAuthority(roots, CertificateAuthority.Lifetimes.DEFAULT, clock, random);
            CaClient ca = (id, csr, lifetime) -> issue(authority, id, csr, lifetime);
            certificates = new CertificateStore(new CertificateKeeper.Surroundings(
                    ca,
                    Duration.ofHours(1),
                    clock,
                    Ticker.SYSTEM,
                    () -> 0.5,
                    new CallGate(1),
                    CrlStore.none(),
                    TlsProfile.STANDARD));
            CompletableFuture<TlsMaterial> known = new CompletableFuture<>();
            Runnable _ = certificates.whenAvailable(OWN, known::complete);
            TlsMaterial _ = known.join();
        }

        private static CaClient.Issued issue(CertificateAuthority authority, SpiffeId id, byte[] csr, Duration lifetime)
                throws CaClient.IssueException {
            try {
                IssuedCertificate issued = authority.issue(id, csr, lifetime);
                return new CaClient.Issued(issued.chain(), issued.roots());
            } catch (CaException e) {
                throw new CaClient.IssueException(
                        CaClient.IssueException.Kind.REFUSED, String.valueOf(e.getMessage()), e);
            }
        }

        /** Removes the authority's directory. */
        @TearDown
        public void remove() throws IOException {
            certificates.close();
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** One loop's. */
    @State(Scope.Thread)
    public static class OnLoop {
        /** To how many destinations the pool has tunnels, which take turns. */
        @Param({"1", "1000"})
        public int destinations;

        private final BenchLoop loop = new BenchLoop(() -> {
            throw new IllegalStateException("nothing is spliced here");
        });
        private final List<Destination> all = new ArrayList<>();
        private HbonePool pool;
        private int next;
        private int ended;

        private record Destination(HbonePool.Key key, ConnectRequest request) {}

        /** Opens a tunnel to each destination. */
        @Setup
        public void open(Agent agent) {
            pool = new HbonePool(
                    new HbonePool.Surroundings(
                            loop,
                            (target, source, listener) -> {
                                listener.onConnected(new StillSocket(false));
                                return () -> {};
                            },
                            new Here(),
                            agent.certificates,
                            agent.telemetry,
                            agent.clock),
                    terms());
            for (int i = 0; i < destinations; i++) {
                IpAddress ip = IpAddress.ofV4(BenchMesh.POD_NET + i);
                all.add(new Destination(
                        new HbonePool.Key(OWN, List.of(PEER), new IpPort(ip, 15_008)),
                        ConnectRequest.to(new ConnectTarget.IpTarget(ip, 8080))));
            }
            for (int i = 0; i < destinations; i++) {
                int _ = checkout();
            }
            if (pool.tunnels() != destinations || ended != destinations) {
                throw new IllegalStateException(pool.tunnels() + " tunnels after " + ended + " connections");
            }
        }

        private static HbonePool.Terms terms() {
            long patience = TimeUnit.SECONDS.toNanos(10);
            return new HbonePool.Terms(
                    new Tunnel.Terms(HboneSettings.forClient(), patience, patience, patience, patience),
                    100,
                    8_192,
                    Duration.ofHours(1),
                    patience,
                    patience,
                    patience);
        }

        int checkout() {
            Destination to = all.get(next);
            next = next + 1 == all.size() ? 0 : next + 1;
            Runnable _ = pool.open(to.key(), to.request(), new Connection(this));
            loop.turn();
            return ended;
        }
    }

    /** Takes what happens to be open, and ends as soon as it is. */
    private record Connection(OnLoop on) implements HbonePool.Listener {
        @Override
        public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
            stream.start(new Exchange(on, stream));
            stream.finish();
        }

        @Override
        public void onStreamFailed(CloseReason reason, @Nullable String detail) {
            throw new IllegalStateException(reason + ": " + detail);
        }
    }

    private record Exchange(OnLoop on, TunnelStream stream) implements PeerEvents {
        @Override
        public void start() {}

        @Override
        public void onPeerData(ByteBuffer from) {
            throw new IllegalStateException("nobody sends anything");
        }

        @Override
        public void onPeerEnd() {
            stream.released();
            on.ended++;
        }

        @Override
        public void onPeerLeft() {
            throw new IllegalStateException("the peer does not leave");
        }

        @Override
        public void onPeerBroken(CloseReason reason, @Nullable String detail) {
            throw new IllegalStateException(reason + ": " + detail);
        }

        @Override
        public void onPeerRoom() {}

        @Override
        public void onFault(RuntimeException fault) {
            throw fault;
        }
    }

    @Benchmark
    public int checkout(Agent agent, OnLoop on) {
        return on.checkout();
    }

    @Benchmark
    @Threads(2)
    public int checkout_ofTwoLoops(Agent agent, OnLoop on) {
        return on.checkout();
    }

    /** Makes transports to a peer that is here. */
    private static final class Here implements Transport.Factory {
        @Override
        public Transport server(Loop loop, RelaySocket socket, TlsMaterial material) {
            throw new IllegalStateException("nobody dials");
        }

        @Override
        public Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected) {
            return new ToPeer(loop);
        }
    }

    /** A transport and the session at its other end, which accepts every request and ends when it is ended. */
    private static final class ToPeer implements Transport, HboneListener {
        private final Loop loop;
        private final HboneSession peer = HboneSession.server(HboneSettings.forServer(), this);
        private final ByteBuffer answer = ByteBuffer.allocateDirect(16 << 10);
        private @Nullable Events told;
        private boolean answering;

        ToPeer(Loop loop) {
            this.loop = loop;
        }

        @Override
        public void start(Events events) {
            told = events;
            events.onSecured();
            answer();
        }

        @Override
        public void write(ByteBuffer plain, BufferShare.Lender lender) {
            peer.receive(plain, loop.nanoTime());
            if (!answering) {
                answering = true;
                loop.execute(this::answer);
            }
        }

        private void answer() {
            answering = false;
            answer.clear();
            if (peer.drainOutput(answer) > 0) {
                Objects.requireNonNull(told).onPlain(answer.flip());
            }
        }

        @Override
        public void onConnect(HboneStream stream, ConnectRequest request) {
            peer.accept(stream, null);
        }

        @Override
        public void onData(HboneStream stream, ByteBuffer in, int length) {
            throw new IllegalStateException("nobody sends anything");
        }

        @Override
        public void onEnd(HboneStream stream) {
            peer.end(stream);
        }

        @Override
        public void onReset(HboneStream stream, int code) {
            throw new IllegalStateException("nobody resets anything");
        }

        @Override
        public void onSendable(HboneStream stream) {}

        @Override
        public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
            throw new IllegalStateException(detail);
        }

        @Override
        public PeerIdentity peer() {
            return new PeerIdentity.Verified(PEER);
        }

        @Override
        public @Nullable PeerRejectedException revoked() {
            return null;
        }

        @Override
        public boolean isBlocked() {
            return false;
        }

        @Override
        public boolean wasStarved() {
            return false;
        }

        @Override
        public boolean isClosed() {
            return false;
        }

        @Override
        public void close() {
            throw new IllegalStateException("no tunnel is closed");
        }
    }
}
