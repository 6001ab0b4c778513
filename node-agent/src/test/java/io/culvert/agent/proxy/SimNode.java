package io.culvert.agent.proxy;

import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.resolve.HostnameResolver;
import io.culvert.agent.route.Router;
import io.culvert.agent.route.RouterSettings;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One pod of one node, served on a simulated loop. */
final class SimNode {
    final MeshStore mesh;
    final SimCertificates certificates = new SimCertificates();
    final SimNames names = new SimNames();
    /** What SOCKS clients' names are resolved by. */
    final Map<String, IpAddress> resolved = new HashMap<>();

    final Pod pod;
    final PodLoop podLoop;

    SimNode(
            SimLoop loop,
            AgentConfig config,
            Metrics metrics,
            SimTransports transports,
            Dialer dialer,
            Workload served,
            InstantSource clock) {
        this(loop, config, metrics, transports, dialer, served, clock, MeshDemand.NONE, CrlStore.none());
    }

    SimNode(
            SimLoop loop,
            AgentConfig config,
            Metrics metrics,
            SimTransports transports,
            Dialer dialer,
            Workload served,
            InstantSource clock,
            MeshDemand demand,
            CrlStore crl) {
        mesh = new MeshStore(MeshSnapshot.empty(served.node()));
        ProxyWorld world = new ProxyWorld(
                config,
                mesh,
                demand,
                new Router(() -> 0, RouterSettings.DEFAULTS),
                new HostnameResolver(names, loop::nanoTime, () -> 0),
                certificates,
                crl,
                transports,
                new Telemetry(metrics, loop::nanoTime),
                clock);
        PodIdentity identity =
                new PodIdentity("uid-" + served.name(), served.name(), served.namespace(), served.serviceAccount());
        pod = new Pod(world, identity, true);
        PodNames podNames = (hostname, v4, listener) -> {
            IpAddress found = resolved.get(hostname);
            boolean[] over = {false};
            loop.schedule(
                    () -> {
                        if (over[0]) {
                            return;
                        }
                        if (found == null) {
                            listener.onUnresolved("nobody knows it");
                        } else {
                            listener.onResolved(found);
                        }
                    },
                    1_000_000);
            return () -> over[0] = true;
        };
        podLoop = new PodLoop(pod, loop, dialer, new ProxyTerms(config).pool(), podNames);
        CrlStore.Registration _ = crl.onChange(podLoop::revocationsHaveChanged);
        MeshStore.Registration _ = mesh.listen(snapshot -> podLoop.policiesMayHaveChanged());
    }

    void publish(List<Workload> workloads, List<Policy> policies) {
        publish(workloads, List.of(), policies);
    }

    void publish(List<Workload> workloads, List<Service> services, List<Policy> policies) {
        mesh.publish(mesh.current().toBuilder()
                .workloads(workloads)
                .services(services)
                .policies(policies)
                .policiesComplete()
                .build());
    }
}
