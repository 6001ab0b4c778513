package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.HboneConfig;
import io.culvert.agent.config.Keepalive;
import io.culvert.agent.config.LimitConfig;
import io.culvert.agent.config.ProxyConfig;
import io.culvert.agent.config.SocketConfig;
import io.culvert.agent.config.TimeoutConfig;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.shim.ConnectSpec;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProxyTermsTest {
    private static ProxyTerms terms(Keepalive keepalive, boolean userTimeout) {
        SocketConfig sockets =
                new SocketConfig(1_337, SocketConfig.OriginalSource.AUTO, true, false, keepalive, userTimeout);
        HboneConfig hbone = new HboneConfig(
                new HboneConfig.Windows(111_111, 222_222, 33_333),
                new HboneConfig.Ping(Duration.ofSeconds(11), Duration.ofSeconds(22)),
                44,
                Duration.ofSeconds(55),
                true,
                false);
        TimeoutConfig timeouts = new TimeoutConfig(
                Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(3), Duration.ofSeconds(4));
        AgentConfig from = TestConfig.defaults();
        return new ProxyTerms(new AgentConfig(
                from.node(),
                from.mesh(),
                from.ports(),
                new ProxyConfig(
                        true,
                        sockets,
                        hbone,
                        timeouts,
                        new LimitConfig(66, 77, 88, 9_999),
                        from.proxy().dns()),
                from.tls(),
                from.process(),
                from.log()));
    }

    private static Keepalive keepalive(boolean enabled, Duration time) {
        return new Keepalive(enabled, time, Duration.ofSeconds(20), 3);
    }

    private static ProxyTerms terms() {
        return terms(keepalive(true, Duration.ofMinutes(3)), false);
    }

    @Test
    void dialsMarked_withKeepaliveAndWithoutDelay() {
        assertEquals(new ConnectSpec(1_337, new ConnectSpec.Keepalive(180, 20, 3), 0, true), terms().connectSpec());
    }

    @Test
    void leavesKeepaliveOff_whenItIs() {
        ConnectSpec spec = terms(keepalive(false, Duration.ofMinutes(3)), false).connectSpec();
        assertEquals(ConnectSpec.Keepalive.OFF, spec.keepalive());
    }

    @Test
    void givesUpUnansweredBytes_asLateAsKeepaliveGivesUpSilence() {
        ConnectSpec spec = terms(keepalive(true, Duration.ofMinutes(3)), true).connectSpec();
        assertEquals(240_000, spec.userTimeoutMillis());
    }

    @Test
    void roundsKeepaliveUp_toTheKernelsShortest() {
        ConnectSpec spec = terms(keepalive(true, Duration.ofMillis(10)), false).connectSpec();
        assertEquals(1, spec.keepalive().idleSeconds());
    }

    @Test
    void servesTunnelsAsConfigured() {
        Tunnel.Terms server = terms().serverTunnel();
        assertEquals(111_111, server.session().streamWindowBytes());
        assertEquals(222_222, server.session().connectionWindowBytes());
        assertEquals(33_333, server.session().frameBytesMax());
        assertEquals(88, server.session().streamsMax());
        assertEquals(9_999, server.session().headerListBytesMax());
        assertEquals(TimeUnit.SECONDS.toNanos(2), server.handshakeNanos());
        assertEquals(TimeUnit.SECONDS.toNanos(11), server.pingIntervalNanos());
        assertEquals(TimeUnit.SECONDS.toNanos(22), server.pingTimeoutNanos());
    }

    @Test
    void keepsAnIdleTunnelLonger_thanAPoolOfOurOwnWould() {
        Duration pool = terms().pool().idle();
        assertEquals(Duration.ofSeconds(55), pool);
        assertEquals(pool.toNanos() * 2, terms().serverTunnel().idleNanos());
    }

    @Test
    void poolsAsConfigured() {
        HbonePool.Terms pool = terms().pool();
        assertEquals(44, pool.streamsPerTunnelMax());
        assertEquals(77, pool.tunnelsMax());
        assertEquals(TimeUnit.SECONDS.toNanos(1), pool.connectNanos());
        assertEquals(TimeUnit.SECONDS.toNanos(3), pool.responseNanos());
        assertEquals(TimeUnit.SECONDS.toNanos(4), pool.certificateNanos());
        assertEquals(111_111, pool.tunnel().session().streamWindowBytes());
        assertEquals(TimeUnit.SECONDS.toNanos(2), pool.tunnel().handshakeNanos());
    }
}
