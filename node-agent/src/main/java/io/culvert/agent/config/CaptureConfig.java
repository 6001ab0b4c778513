package io.culvert.agent.config;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/**
 * What decides the redirect rules of a pod, and where it is noted that it has them.
 *
 * @param ports where the agent listens in the pod
 * @param tcp whether they cover TCP
 * @param packetMark the mark that the rules let pass
 * @param ipv6 whether they cover IPv6
 * @param dns whether they cover DNS, and where to
 * @param stateDirectory where captured pods are noted
 */
public record CaptureConfig(
        PortConfig ports, boolean tcp, int packetMark, boolean ipv6, DnsConfig dns, Path stateDirectory) {
    /** What it is made of. */
    public static final Set<Knob> KNOBS = EnumSet.of(
            Knob.OUTBOUND_PORT,
            Knob.PASSTHROUGH_PORT,
            Knob.INBOUND_PORT,
            Knob.ENABLE_PROXY,
            Knob.PACKET_MARK,
            Knob.IPV6_ENABLED,
            Knob.DNS_CAPTURE,
            Knob.DNS_PROXY_ADDRESS,
            Knob.STATE_DIRECTORY);

    /** An agent's. */
    public static CaptureConfig of(AgentConfig config) {
        return new CaptureConfig(
                config.ports(),
                config.proxy().enabled(),
                config.proxy().sockets().packetMark(),
                config.proxy().sockets().ipv6(),
                config.proxy().dns(),
                config.process().stateDirectory());
    }
}
