package io.culvert.protocol.xds;

import io.culvert.protocol.wire.workload.Port;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.List;

/** Maps of ports. */
final class PortCodec {
    private static final int PORTS_MAX = 4_096;

    private PortCodec() {}

    static PortMap read(String field, List<Port> wire) throws ConversionException {
        if (wire.size() > PORTS_MAX) {
            throw new ConversionException(Reason.TOO_MANY, field);
        }
        int[] pairs = new int[wire.size() * 2];
        for (int i = 0; i < wire.size(); i++) {
            pairs[2 * i] = FieldReader.port(wire.get(i).getServicePort());
            pairs[2 * i + 1] = FieldReader.port(wire.get(i).getTargetPort());
        }
        return PortMap.of(pairs);
    }

    static List<Port> write(PortMap ports) {
        List<Port> out = new ArrayList<>(ports.size());
        for (int i = 0; i < ports.size(); i++) {
            out.add(Port.newBuilder()
                    .setServicePort(ports.servicePort(i))
                    .setTargetPort(ports.targetPort(i))
                    .build());
        }
        return out;
    }
}
