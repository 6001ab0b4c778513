package io.culvert.agent.contract;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CertificateSource;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.TlsTransport;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.Fds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Over an inner tunnel for each connection, in streams of one tunnel to a gateway that passes bytes on; with real TLS. */
final class NestedPath implements RelayPath {
    private static final SpiffeId GATEWAY = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/gateway");
    private static final TlsMaterial GATEWAY_MATERIAL = TunnelPath.CA.material(GATEWAY, TestProfiles.HERE);
    private static final Metrics METRICS = new Metrics("", BuildVersion.current());

    private final RealNet net;
    private final DataLoop near;
    private final DataLoop far;
    private final RealNet.Listening gatewayAt;
    private final RealNet.Listening farAt;
    private final TunnelServer gateway;
    private final List<TunnelServer> ends = new ArrayList<>();
    private final HbonePool pool;

    NestedPath(RealNet net, DataLoop near, DataLoop far) {
        this.net = net;
        this.near = near;
        this.far = far;
        gatewayAt = net.listen();
        farAt = net.listen();
        gateway = new TunnelServer(net, far);
        long minute = TimeUnit.SECONDS.toNanos(60);
        // The gateway takes one connection, so there is no other tunnel beside one that is full of bytes.
        HbonePool.Terms terms = new HbonePool.Terms(
                TunnelServer.terms(HboneSettings.forClient()), 100, 1, Duration.ofMinutes(5), minute, minute, minute);
        Dialer dialer = (target, source, listener) -> {
            net.dial(near, target, listener::onConnected);
            return () -> {};
        };
        pool = net.on(
                near,
                () -> new HbonePool(
                        new HbonePool.Surroundings(
                                near,
                                dialer,
                                TlsTransport.FACTORY,
                                new Near(),
                                new Telemetry(METRICS, Ticker.SYSTEM),
                                () -> TestCa.EPOCH),
                        terms));
        openOuter();
    }

    /** So that what is open while nothing goes on is open from the start. */
    private void openOuter() {
        CompletableFuture<Boolean> opened = new CompletableFuture<>();
        near.execute(() -> {
            Runnable _ = pool.open(gatewayKey(), to(farAt.address()), new HbonePool.Listener() {
                @Override
                public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
                    stream.cancel(Http2Code.CANCEL);
                    opened.complete(true);
                }

                @Override
                public void onStreamFailed(CloseReason reason, @Nullable String detail) {
                    opened.completeExceptionally(new AssertionError(reason + " " + detail));
                }
            });
        });
        gateway.serve(RealNet.accept(gatewayAt), GATEWAY_MATERIAL);
        boolean _ = RealNet.await(opened);
        Fds.close(RealNet.accept(farAt));
        CloseReason _ = gateway.nextOutcome().closed();
    }

    private HbonePool.Key gatewayKey() {
        return new HbonePool.Key(TunnelPath.NEAR, List.of(GATEWAY), gatewayAt.address());
    }

    private static final class Near implements CertificateSource {
        @Override
        public @Nullable TlsMaterial current(SpiffeId id) {
            return id.equals(TunnelPath.NEAR) ? TunnelPath.NEAR_MATERIAL : null;
        }

        @Override
        public Runnable whenAvailable(SpiffeId id, Consumer<TlsMaterial> then) {
            return () -> {};
        }
    }

    @Override
    public List<Outcome> relay(int fd, IpPort target) {
        CompletableFuture<Outcome> opened = new CompletableFuture<>();
        near.execute(() -> {
            TcpSocket app = TcpSocket.adopt(near, fd);
            open(TunnelPath.FAR, target, new HbonePool.Listener() {
                @Override
                public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
                    Outcome outcome = new Outcome();
                    stream.start(new Relay(near, app, stream, outcome));
                    opened.complete(outcome);
                }

                @Override
                public void onStreamFailed(CloseReason reason, @Nullable String detail) {
                    app.abort();
                    opened.completeExceptionally(new AssertionError(reason + " " + detail));
                }
            });
        });
        TunnelServer end = serve();
        return List.of(RealNet.await(opened), end.nextOutcome());
    }

    private void open(SpiffeId expected, IpPort target, HbonePool.Listener listener) {
        Runnable _ = pool.openThrough(
                gatewayKey(), to(farAt.address()), List.of(expected), to(target).from("west"), listener);
    }

    private static ConnectRequest to(IpPort target) {
        return ConnectRequest.to(new ConnectTarget.IpTarget(target.ip(), target.port()));
    }

    private TunnelServer serve() {
        TunnelServer end = new TunnelServer(net, far);
        ends.add(end);
        end.serve(RealNet.accept(farAt), TunnelPath.FAR_MATERIAL);
        return end;
    }

    /** Demands somebody else at the far end; why that fails. */
    CloseReason dialImpostor() {
        CompletableFuture<CloseReason> failed = new CompletableFuture<>();
        near.execute(() -> open(TunnelPath.NEAR, farAt.address(), new HbonePool.Listener() {
            @Override
            public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
                failed.completeExceptionally(new AssertionError("opened"));
            }

            @Override
            public void onStreamFailed(CloseReason reason, @Nullable String detail) {
                failed.complete(reason);
            }
        }));
        TunnelServer _ = serve();
        return RealNet.await(failed);
    }

    int outerTunnels() {
        return net.on(near, pool::tunnels);
    }

    long innerTunnels() {
        return ends.stream().filter(end -> !end.isClosed()).count();
    }

    boolean innerIsClosed(int index) {
        return ends.get(index).isClosed();
    }

    CloseReason innerClosed(int index) {
        return ends.get(index).closed();
    }

    void closeOuter() {
        near.execute(() -> pool.close(CloseReason.POD_REMOVED));
    }

    @Override
    public long waitingBytesMax() {
        // A window of each tunnel at each of its ends, in whole buffers, partial records, and what passes between the
        // two.
        return 6L * (HboneSettings.forServer().streamWindowBytes() + 4L * Loop.READ_BYTES_MAX);
    }

    @Override
    public void close() {
        closeOuter();
        CloseReason _ = gateway.closed();
        ends.forEach(end -> {
            CloseReason _ = end.closed();
        });
        RealNet.close(gatewayAt);
        RealNet.close(farAt);
    }
}
