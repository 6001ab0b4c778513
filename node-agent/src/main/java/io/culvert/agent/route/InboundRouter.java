package io.culvert.agent.route;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/** Decides where connections go that came in for a local workload: always to that workload's own address. */
final class InboundRouter {
    private static final int BAD_REQUEST = 400;
    private static final int UNAVAILABLE = 503;
    private static final int NO_STATUS = 0;

    private final RouterSettings settings;

    InboundRouter(RouterSettings settings) {
        this.settings = settings;
    }

    InboundRoute route(MeshSnapshot snapshot, Workload local, IpAddress localIp, ConnectTarget authority) {
        return switch (authority) {
            case ConnectTarget.IpTarget ip -> {
                if (!mayServe(snapshot, local, localIp, ip.address())) {
                    yield new InboundRoute.Refused(
                            RefusalReason.FOREIGN_AUTHORITY,
                            BAD_REQUEST,
                            "asked for " + ip.address() + " at " + localIp);
                }
                yield deliver(local, localIp, ip.port(), new IpPort(ip.address(), ip.port()), null);
            }
            case ConnectTarget.HostTarget host -> byHostname(snapshot, local, localIp, host);
        };
    }

    InboundRoute passthrough(IpPort original) {
        return settings.isOwnPort(original.port())
                ? new InboundRoute.Refused(RefusalReason.OWN_PORT, NO_STATUS, original.toString())
                : new InboundRoute.Deliver(original, original, true, null, null);
    }

    private boolean mayServe(MeshSnapshot snapshot, Workload local, IpAddress localIp, IpAddress asked) {
        return asked.equals(localIp)
                || local.applicationTunnel() != null
                || Attachments.isWaypointOf(snapshot, local, settings.network(), asked);
    }

    private InboundRoute byHostname(
            MeshSnapshot snapshot, Workload local, IpAddress localIp, ConnectTarget.HostTarget asked) {
        Service service = snapshot.serviceByHost(asked.host(), local.namespace());
        if (service == null) {
            return new InboundRoute.Refused(RefusalReason.UNKNOWN_HOSTNAME, UNAVAILABLE, asked.authority());
        }
        int port = targetPort(local, service, asked.port());
        if (port <= 0) {
            return new InboundRoute.Refused(RefusalReason.NO_SUCH_PORT, UNAVAILABLE, asked.authority());
        }
        return deliver(local, localIp, port, virtualAddress(service, asked.port()), service);
    }

    private static int targetPort(Workload local, Service service, int servicePort) {
        PortMap own = local.services().get(service.key());
        int target = own == null ? PortMap.ABSENT : own.target(servicePort);
        return target > 0 ? target : service.ports().target(servicePort);
    }

    private InboundRoute deliver(
            Workload local, IpAddress localIp, int port, @Nullable IpPort asked, @Nullable Service service) {
        ApplicationTunnel tunnel = local.applicationTunnel();
        IpPort judged = new IpPort(localIp, tunnel != null && tunnel.port() > 0 ? tunnel.port() : port);
        if (settings.isOwnPort(port) || settings.isOwnPort(judged.port())) {
            return new InboundRoute.Refused(RefusalReason.OWN_PORT, UNAVAILABLE, judged.toString());
        }
        if (tunnel == null || tunnel.protocol() == ApplicationTunnel.Protocol.NONE) {
            return new InboundRoute.Deliver(judged, judged, true, null, service);
        }
        if (asked == null) {
            return new InboundRoute.Refused(RefusalReason.NO_VIRTUAL_ADDRESS, UNAVAILABLE, judged.toString());
        }
        boolean loopback = settings.localhostApplicationTunnel();
        IpAddress ip = !loopback ? localIp : localIp.isV4() ? IpAddress.V4_LOOPBACK : IpAddress.V6_LOOPBACK;
        return new InboundRoute.Deliver(judged, new IpPort(ip, judged.port()), !loopback, asked, service);
    }

    /** What stands for a hostname in a PROXY header: a virtual address, of our network and IPv4 if there is one. */
    private @Nullable IpPort virtualAddress(Service service, int port) {
        NetworkAddress best = null;
        for (NetworkAddress vip : service.vips()) {
            if (best == null || preference(vip) > preference(best)) {
                best = vip;
            }
        }
        return best == null ? null : new IpPort(best.ip(), port);
    }

    private int preference(NetworkAddress vip) {
        return (vip.network().equals(settings.network()) ? 2 : 0) + (vip.ip().isV4() ? 1 : 0);
    }
}
