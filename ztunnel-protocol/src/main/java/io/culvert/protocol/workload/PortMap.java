package io.culvert.protocol.workload;

import java.util.Arrays;

/**
 * Service port to target port, a handful of entries kept in two short arrays.
 *
 * <p>Bounds: ports 0..65535; a target of 0 stands for a named port, which each endpoint resolves for itself.
 */
public final class PortMap {
    public static final PortMap EMPTY = new PortMap(new char[0], new char[0]);
    public static final int ABSENT = -1;

    private final char[] servicePorts;
    private final char[] targetPorts;

    private PortMap(char[] servicePorts, char[] targetPorts) {
        this.servicePorts = servicePorts;
        this.targetPorts = targetPorts;
    }

    /**
     * From pairs of service port and target port; a later pair for the same service port wins.
     *
     * <p>Errors: {@link IllegalArgumentException} for an odd count or a port outside 0..65535.
     */
    public static PortMap of(int... pairs) {
        if (pairs.length % 2 != 0) {
            throw new IllegalArgumentException("ports come in pairs");
        }
        char[] service = new char[pairs.length / 2];
        char[] target = new char[pairs.length / 2];
        int count = 0;
        for (int i = 0; i < pairs.length; i += 2) {
            char servicePort = port(pairs[i]);
            int at = 0;
            while (at < count && service[at] != servicePort) {
                at++;
            }
            service[at] = servicePort;
            target[at] = port(pairs[i + 1]);
            count = Math.max(count, at + 1);
        }
        return new PortMap(Arrays.copyOf(service, count), Arrays.copyOf(target, count));
    }

    private static char port(int value) {
        if (value < 0 || value > 65_535) {
            throw new IllegalArgumentException("port " + value + " is not within 0..65535");
        }
        return (char) value;
    }

    /** The target of a service port, 0 for a named port, {@link #ABSENT} when the service port is not there. */
    public int target(int servicePort) {
        for (int i = 0; i < servicePorts.length; i++) {
            if (servicePorts[i] == servicePort) {
                return targetPorts[i];
            }
        }
        return ABSENT;
    }

    public int size() {
        return servicePorts.length;
    }

    public int servicePort(int index) {
        return servicePorts[index];
    }

    public int targetPort(int index) {
        return targetPorts[index];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PortMap that
                && Arrays.equals(servicePorts, that.servicePorts)
                && Arrays.equals(targetPorts, that.targetPorts);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(servicePorts) + Arrays.hashCode(targetPorts);
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder("{");
        for (int i = 0; i < servicePorts.length; i++) {
            out.append(i == 0 ? "" : ", ")
                    .append((int) servicePorts[i])
                    .append(':')
                    .append((int) targetPorts[i]);
        }
        return out.append('}').toString();
    }
}
