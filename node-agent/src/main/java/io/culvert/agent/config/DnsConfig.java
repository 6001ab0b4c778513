package io.culvert.agent.config;

import io.culvert.protocol.net.IpPort;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How pods' names are resolved.
 *
 * @param capture whether pods' queries are answered here
 * @param address where the DNS proxy listens in each pod; null for {@link #PORT_DEFAULT} of the loopback addresses
 * @param clusterDomain the cluster's domain
 * @param preferredNamespace whose service wins where nothing else decides, empty for nobody's
 * @param resolvConf names the servers that are asked for what the mesh does not know
 */
public record DnsConfig(
        Capture capture, @Nullable IpPort address, String clusterDomain, String preferredNamespace, Path resolvConf) {
    /** The port that DNS queries are redirected to. */
    public static final int PORT_DEFAULT = 15_053;

    /** Whether pods' queries are answered here. */
    public enum Capture {
        /** Where pods are handed over by a CNI plugin's agent, which redirects queries; not where a mesh file names them. */
        AUTO,
        TRUE,
        FALSE
    }

    /** The port that it listens at. */
    public int port() {
        return address == null ? PORT_DEFAULT : address.port();
    }

    /** Whether there is a DNS proxy in each pod, given who names the pods. */
    public boolean isOn(boolean podsAreHandedOver) {
        return capture == Capture.TRUE || capture == Capture.AUTO && podsAreHandedOver;
    }
}
