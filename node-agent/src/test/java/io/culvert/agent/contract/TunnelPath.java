package io.culvert.agent.contract;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.TlsTransport;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Over one tunnel, with real TLS under test certificates, whose ends are on the first and on the last loop. */
final class TunnelPath extends TunnelEnd implements RelayPath {
    static final SpiffeId NEAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/near");
    static final SpiffeId FAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/far");
    static final TestCa CA = TestCa.root("root");
    static final TlsMaterial NEAR_MATERIAL = CA.material(NEAR, TestProfiles.HERE);
    static final TlsMaterial FAR_MATERIAL = CA.material(FAR, TestProfiles.HERE);

    private final RealNet net;
    private final DataLoop loop;
    private final RealNet.Listening listening;
    private final CompletableFuture<PeerIdentity> opened = new CompletableFuture<>();
    private final TunnelServer server;
    private final Tunnel tunnel;
    private final RelaySocket socket;

    TunnelPath(RealNet net, DataLoop near, DataLoop far) {
        this(net, near, far, NEAR_MATERIAL, FAR_MATERIAL);
    }

    TunnelPath(RealNet net, DataLoop near, DataLoop far, TlsMaterial nearMaterial, TlsMaterial farMaterial) {
        this.net = net;
        this.loop = near;
        listening = net.listen();
        server = new TunnelServer(net, far);
        CompletableFuture<RelaySocket> dialled = new CompletableFuture<>();
        CompletableFuture<Tunnel> started = new CompletableFuture<>();
        loop.execute(() -> net.dial(loop, listening.address(), connected -> {
            Tunnel fresh = Tunnel.client(
                    loop,
                    TlsTransport.FACTORY.client(loop, connected, nearMaterial, List.of(FAR)),
                    TunnelServer.terms(HboneSettings.forClient()),
                    this);
            fresh.start();
            dialled.complete(connected);
            started.complete(fresh);
        }));
        server.serve(RealNet.accept(listening), farMaterial);
        tunnel = RealNet.await(started);
        socket = RealNet.await(dialled);
        if (!RealNet.await(opened).equals(new PeerIdentity.Verified(FAR))) {
            throw new AssertionError("the server is somebody else");
        }
    }

    Tunnel tunnel() {
        return tunnel;
    }

    TunnelServer server() {
        return server;
    }

    /** Cuts the tunnel's connection as a failing network would, without a word of TLS. */
    void cut() {
        net.run(loop, socket::abort);
    }

    @Override
    public List<Outcome> relay(int fd, IpPort target) {
        CompletableFuture<Outcome> near = new CompletableFuture<>();
        loop.execute(() -> {
            TcpSocket app = TcpSocket.adopt(loop, fd);
            try {
                connect(app, target, near);
            } catch (Exception e) {
                near.completeExceptionally(e);
            }
        });
        return List.of(RealNet.await(near), server.nextOutcome());
    }

    private void connect(TcpSocket app, IpPort target, CompletableFuture<Outcome> near) throws Exception {
        TunnelStream[] stream = new TunnelStream[1];
        ConnectRequest request = ConnectRequest.to(new ConnectTarget.IpTarget(target.ip(), target.port()));
        stream[0] = tunnel.connect(request, new TunnelStream.Opening() {
            @Override
            public void onResponse(ConnectResponse response) {
                Outcome outcome = new Outcome();
                stream[0].start(new Relay(loop, app, stream[0], outcome));
                near.complete(outcome);
            }

            @Override
            public void onStreamLost(CloseReason reason, @Nullable String detail) {
                app.abort();
                near.completeExceptionally(new AssertionError(reason + " " + detail));
            }
        });
    }

    @Override
    public long waitingBytesMax() {
        // A stream's window at each end, in whole buffers, and a partial record of each tunnel.
        return 2L * (HboneSettings.forServer().streamWindowBytes() + 2L * Loop.READ_BYTES_MAX);
    }

    @Override
    public void onTunnelOpen(PeerIdentity peer) {
        opened.complete(peer);
    }

    @Override
    public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
        throw new AssertionError();
    }

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
        opened.completeExceptionally(new AssertionError(reason + " " + detail));
        super.onTunnelClosed(reason, detail, badPeer);
    }

    @Override
    public void close() {
        loop.execute(() -> tunnel.close(CloseReason.POD_REMOVED, "the test is over"));
        CloseReason _ = server.closed();
        RealNet.close(listening);
    }
}
