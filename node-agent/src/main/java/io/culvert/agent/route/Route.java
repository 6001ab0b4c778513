package io.culvert.agent.route;

import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where an outbound connection goes. */
public sealed interface Route {
    /**
     * Plain TCP.
     *
     * @param target what to connect to
     * @param destination the workload there, when the mesh knows it
     * @param service the service that was addressed
     */
    record Direct(
            IpPort target,
            @Nullable Workload destination,
            @Nullable Service service) implements Route {}

    /** One tunnel, in which one stream is opened. */
    sealed interface Tunnelled extends Route {
        /** Where the tunnel ends. */
        IpPort tunnel();

        /** What the stream asks for. */
        ConnectTarget.IpTarget authority();

        /** Any of these the tunnel's end must prove to be; never empty. The same list for the same end. */
        List<SpiffeId> expectedIdentities();

        /** The workload at the tunnel's end. */
        Workload destination();

        /** The service that was addressed. */
        @Nullable
        Service service();
    }

    /** HBONE to the destination itself. */
    record Hbone(
            IpPort tunnel,
            ConnectTarget.IpTarget authority,
            List<SpiffeId> expectedIdentities,
            Workload destination,
            @Nullable Service service)
            implements Tunnelled {}

    /** HBONE to a waypoint, which is asked for the original destination; the destination workload is the waypoint. */
    record ViaWaypoint(
            IpPort tunnel,
            ConnectTarget.IpTarget authority,
            List<SpiffeId> expectedIdentities,
            Workload destination,
            @Nullable Service service)
            implements Tunnelled {}

    /**
     * HBONE within HBONE: to another network's gateway, and through it to whatever the gateway picks.
     *
     * @param tunnel where the outer tunnel ends
     * @param authority what both streams ask for
     * @param expectedIdentities any of these the gateway must prove to be; never empty
     * @param innerIdentities any of these the far end must prove to be; never empty
     * @param destination the gateway
     * @param service the service that was addressed
     */
    record DoubleHbone(
            IpPort tunnel,
            ConnectTarget.HostTarget authority,
            List<SpiffeId> expectedIdentities,
            List<SpiffeId> innerIdentities,
            Workload destination,
            Service service)
            implements Route {}

    /**
     * The next hop is known by its hostname only. Resolve it, pick an answer (of the wanted family if there is one), and ask
     * {@link Router#resolved}.
     *
     * @param hostname what to resolve
     * @param preferV4 the family of the original destination
     * @param template the route, with the unspecified address in place of the next hop's
     */
    record Resolve(String hostname, boolean preferV4, Route template) implements Route {
        static final IpAddress UNRESOLVED = IpAddress.V6_ANY;
    }

    /**
     * Nowhere.
     *
     * @param reason why
     * @param detail what exactly, for the log
     */
    record Refused(RefusalReason reason, String detail) implements Route {}
}
