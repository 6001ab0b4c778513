package io.culvert.agent.proxy;

import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.route.Router;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.shim.SocketFactory;
import java.time.InstantSource;

/** What the proxies of all pods of this node share. */
public record ProxyWorld(
        AgentConfig config,
        LoopGroup loops,
        SocketFactory sockets,
        MeshStore mesh,
        Router router,
        CertificateStore certificates,
        Telemetry telemetry,
        InstantSource clock) {}
