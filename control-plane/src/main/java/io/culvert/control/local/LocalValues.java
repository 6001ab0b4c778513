package io.culvert.control.local;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Values that workloads and services have in common. */
final class LocalValues {
    static final String NAME_FIX = "write namespace/name";
    static final String ADDRESS_FIX = "write network/address, with nothing before the slash for the default network";
    private static final int HBONE_PORT = 15_008;

    private LocalValues() {}

    /** {@code network/ip}; the network may be empty. */
    static NetworkAddress networkAddress(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("'" + text + "' has no slash after its network");
        }
        return new NetworkAddress(text.substring(0, slash), IpAddress.parse(text.substring(slash + 1)));
    }

    /** A mapping of {@code destination} and {@code hboneMtlsPort}; null where the key is absent or null. */
    static @Nullable GatewayAddress gateway(Fields owner, String key) {
        Field field = owner.field(key);
        Fields fields = field == null || field.isNull() ? null : field.fields();
        if (fields == null) {
            return null;
        }
        Field destination = fields.required("destination");
        int port = fields.number("hboneMtlsPort", 1, 65_535, HBONE_PORT);
        fields.finish();
        return destination == null
                ? null
                : destination.parsed(text -> gateway(text, port), "write network/address, or namespace/hostname");
    }

    /** What follows the slash is an address or else a hostname. */
    private static GatewayAddress gateway(String text, int port) {
        try {
            return new GatewayAddress.ByAddress(networkAddress(text), port);
        } catch (IllegalArgumentException e) {
            return new GatewayAddress.ByHostname(NamespacedName.parse(text), port);
        }
    }

    /** Service port to target port. */
    static PortMap ports(@Nullable Fields fields) {
        if (fields == null) {
            return PortMap.EMPTY;
        }
        List<Integer> pairs = new ArrayList<>();
        for (Map.Entry<String, Field> entry : fields.all().entrySet()) {
            String key = entry.getKey();
            boolean number = key.matches("[0-9]{1,5}") && Integer.parseInt(key) <= 65_535;
            if (!number) {
                entry.getValue().wrong("its key is no port", "write 'service port: target port', such as '80: 8080'");
                continue;
            }
            pairs.add(Integer.parseInt(key));
            pairs.add(entry.getValue().number(0, 65_535, 0));
        }
        return PortMap.of(pairs.stream().mapToInt(Integer::intValue).toArray());
    }

    /** A list of values that a parser reads; those that it refuses are reported and left out. */
    static <T> List<T> list(Fields owner, String key, Function<String, T> parser, String fix) {
        List<T> values = new ArrayList<>();
        for (Field entry : owner.list(key)) {
            T value = entry.parsed(parser, fix);
            if (value != null) {
                values.add(value);
            }
        }
        return values;
    }

    /** The constants of an enum, spelt as dumps spell them: {@code HOST_NETWORK} as {@code HostNetwork}. */
    static <E extends Enum<E>> Map<String, E> pascal(E[] constants) {
        Map<String, E> words = new HashMap<>();
        for (E constant : constants) {
            StringBuilder word = new StringBuilder();
            for (String part : constant.name().split("_")) {
                word.append(part.charAt(0)).append(part.substring(1).toLowerCase(Locale.ROOT));
            }
            words.put(word.toString(), constant);
        }
        return words;
    }
}
