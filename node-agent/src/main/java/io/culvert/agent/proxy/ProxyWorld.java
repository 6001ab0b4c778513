package io.culvert.agent.proxy;

import io.culvert.agent.certs.CertificateSource;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.hbone.Transport;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.resolve.HostnameResolver;
import io.culvert.agent.route.Router;
import io.culvert.agent.telemetry.Telemetry;
import java.time.InstantSource;

/** What the proxies of all pods of this node know. */
public record ProxyWorld(
        AgentConfig config,
        MeshStore mesh,
        MeshDemand demand,
        Router router,
        HostnameResolver resolver,
        CertificateSource certificates,
        CrlStore crl,
        Transport.Factory transports,
        Telemetry telemetry,
        InstantSource clock) {}
