package io.culvert.agent.proxy;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.HboneConfig;
import io.culvert.agent.config.Keepalive;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.shim.ConnectSpec;
import java.time.Duration;

/** The configuration in the terms of sockets, tunnels and pools. */
record ProxyTerms(AgentConfig config) {
    ConnectSpec connectSpec() {
        return connectSpec(config.proxy().sockets().packetMark());
    }

    /** As {@link #connectSpec}, in a namespace where nothing is redirected. */
    ConnectSpec unmarkedConnectSpec() {
        return connectSpec(0);
    }

    /** Of what SOCKS clients open, which never leaves the namespace: nobody's silence has to be found out about. */
    ConnectSpec socksSpec() {
        return new ConnectSpec(config.proxy().sockets().packetMark(), ConnectSpec.Keepalive.OFF, 0, true);
    }

    private ConnectSpec connectSpec(int mark) {
        Keepalive keepalive = config.proxy().sockets().keepalive();
        ConnectSpec.Keepalive shimKeepalive = keepalive.enabled()
                ? new ConnectSpec.Keepalive(
                        seconds(keepalive.time()), seconds(keepalive.interval()), keepalive.retries())
                : ConnectSpec.Keepalive.OFF;
        int userTimeoutMillis = config.proxy().sockets().userTimeout()
                ? Math.toIntExact(keepalive.total().toMillis())
                : 0;
        return new ConnectSpec(mark, shimKeepalive, userTimeoutMillis, true);
    }

    private static int seconds(Duration duration) {
        return Math.max(1, Math.toIntExact(duration.toSeconds()));
    }

    long connectNanos() {
        return config.proxy().timeouts().connect().toNanos();
    }

    Tunnel.Terms serverTunnel() {
        return tunnel(sized(HboneSettings.forServer())
                .withStreamsMax(config.proxy().limits().streamsPerTunnelMax())
                .withHeaderListBytesMax(config.proxy().limits().headerBytesMax()));
    }

    HbonePool.Terms pool() {
        HboneConfig hbone = config.proxy().hbone();
        return new HbonePool.Terms(
                tunnel(sized(HboneSettings.forClient())),
                hbone.streamsPerPooledTunnelMax(),
                config.proxy().limits().tunnelsPerPodMax(),
                hbone.poolIdleTimeout(),
                connectNanos(),
                config.proxy().timeouts().connectResponse().toNanos(),
                config.proxy().timeouts().firstCertificate().toNanos());
    }

    private HboneSettings sized(HboneSettings settings) {
        HboneConfig.Windows windows = config.proxy().hbone().windows();
        return settings.withWindows(windows.streamBytes(), windows.connectionBytes())
                .withFrameBytesMax(windows.frameBytesMax());
    }

    private Tunnel.Terms tunnel(HboneSettings settings) {
        HboneConfig.Ping ping = config.proxy().hbone().ping();
        return new Tunnel.Terms(
                settings,
                config.proxy().timeouts().handshake().toNanos(),
                ping.interval().toNanos(),
                ping.timeout().toNanos(),
                // A peer that pools as we do goes first.
                2 * config.proxy().hbone().poolIdleTimeout().toNanos());
    }
}
