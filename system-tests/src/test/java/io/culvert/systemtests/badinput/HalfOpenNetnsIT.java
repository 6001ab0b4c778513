package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A peer that is gone without a word: its packets, and ours to it, are dropped on the way. */
class HalfOpenNetnsIT {
    /** A PING, the time for its answer, and how late a busy machine may be. */
    private static final Duration FOUND_OUT_MAX = BadInputLab.PING.plusSeconds(3);

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    private static void blackhole(Netns ns, InetAddress peer, boolean on) {
        String how = on ? "-I" : "-D";
        String address = peer.getHostAddress();
        LAB.mesh()
                .net()
                .exec(ns, "iptables", how, "INPUT", "-s", address, "-j", "DROP")
                .expectOk();
        LAB.mesh()
                .net()
                .exec(ns, "iptables", how, "OUTPUT", "-d", address, "-j", "DROP")
                .expectOk();
    }

    @Test
    void endsTheTunnelOfAPeerThatIsGone() throws IOException {
        Tally tally = LAB.tally();
        Netns away = LAB.ns("away");
        try (HostilePeer peer = HostilePeer.dial(away, LAB.server(), TlsSession.Look.of(LAB.good()))
                .greet()) {
            assertEquals(200, peer.connect(LAB.authority(BadInputLab.ECHO)));
            peer.idle(Duration.ofMillis(1_500));
            blackhole(away, LAB.server(), true);
            long began = System.nanoTime();
            tally.expectOne(BadPeer.UNRESPONSIVE);
            tally.expectEnded(CloseReason.TUNNEL_LOST, 2);
            assertTrue(System.nanoTime() - began < FOUND_OUT_MAX.toNanos(), "found out too late");
        } finally {
            blackhole(away, LAB.server(), false);
        }
    }

    /** The other role: the application of a pod learns within bounds that its server's node is gone. */
    @Test
    void resetsTheApplicationWhoseServerIsGone() throws IOException {
        Tally tally = Tally.of(LAB.clientAgent());
        Netns evil = LAB.ns("evil");
        InetAddress client = LAB.ns("client").ipv4();
        TlsSession.Look look = TlsSession.Look.of(LAB.ca().identity(MeshYaml.idOf("evil")));
        try (HostileServer server = HostileServer.start(evil, socket -> {
                    HostilePeer peer = HostilePeer.accept(socket, look).welcome();
                    peer.send(H2.headers(peer.awaitRequest(), H2.OK));
                    peer.idle(Duration.ofSeconds(20));
                });
                PeerSocket app = PeerSocket.connect(LAB.ns("client"), evil.ipv4(), 9_000)) {
            app.read(Duration.ofMillis(1_500));
            assertEquals(1, server.accepted());
            blackhole(evil, client, true);
            assertEquals(PeerGoneException.How.RST, app.awaitEnd(FOUND_OUT_MAX));
            tally.expectOne(BadPeer.UNRESPONSIVE);
            tally.expectEnded(CloseReason.TUNNEL_LOST, 1);
        } finally {
            blackhole(evil, client, false);
        }
    }
}
