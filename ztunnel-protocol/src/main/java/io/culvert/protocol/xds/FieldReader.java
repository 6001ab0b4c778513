package io.culvert.protocol.xds;

import com.google.protobuf.ByteString;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.wire.workload.NamespacedHostname;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.xds.ConversionFault.Reason;

/** Reads single fields of wire messages, each within its bounds. */
final class FieldReader {
    static final int TEXT_LENGTH_MAX = 2_048;
    static final int LIST_LENGTH_MAX = 10_000;
    private static final int HBONE_PORT = 15_008;

    private FieldReader() {}

    static String text(String field, String value) throws ConversionException {
        if (value.length() > TEXT_LENGTH_MAX) {
            throw new ConversionException(Reason.TOO_LONG, field);
        }
        for (int i = 0; i < value.length(); i++) {
            if (Character.isISOControl(value.charAt(i))) {
                throw new ConversionException(Reason.CONTROL_CHARACTER, field);
            }
        }
        return value;
    }

    /** A text that may become part of an error message, a key or a name, hence may not be empty. */
    static String required(String field, String value) throws ConversionException {
        if (value.isEmpty()) {
            throw new ConversionException(Reason.MISSING, field);
        }
        return text(field, value);
    }

    static void count(String field, int count) throws ConversionException {
        if (count > LIST_LENGTH_MAX) {
            throw new ConversionException(Reason.TOO_MANY, field);
        }
    }

    /** A key's half: not empty and without a slash. */
    static String keyPart(String field, String value) throws ConversionException {
        if (required(field, value).indexOf('/') >= 0) {
            throw new ConversionException(Reason.BAD_NAME, field);
        }
        return value;
    }

    static NamespacedName name(String field, String value) throws ConversionException {
        try {
            return NamespacedName.parse(text(field, value));
        } catch (IllegalArgumentException malformed) {
            throw new ConversionException(Reason.BAD_NAME, field);
        }
    }

    /** Of any form: a policy is what workloads call it. */
    static NamespacedName policyName(String field, String value) throws ConversionException {
        return NamespacedName.ofPolicy(required(field, value));
    }

    static IpAddress address(String field, ByteString bytes) throws ConversionException {
        if (bytes.size() != 4 && bytes.size() != 16) {
            throw new ConversionException(Reason.BAD_ADDRESS, field);
        }
        return IpAddress.ofBytes(bytes.toByteArray());
    }

    /** The sender's length counts the bits of the address as sent; of a v4-mapped one the first 96 are taken away. */
    static Cidr cidr(String field, ByteString bytes, int length) throws ConversionException {
        IpAddress ip = address(field, bytes);
        long sent = Integer.toUnsignedLong(length) - (ip.isV4() && bytes.size() == 16 ? 96 : 0);
        if (sent < 0 || sent > (ip.isV4() ? 32 : 128)) {
            throw new ConversionException(Reason.BAD_PREFIX, field);
        }
        return new Cidr(ip, (int) sent);
    }

    /** Ports come in 32 bits, of which the lower 16 count. */
    static int port(int wire) {
        return wire & 0xffff;
    }

    static GatewayAddress gateway(io.culvert.protocol.wire.workload.GatewayAddress wire) throws ConversionException {
        int port = port(wire.getHboneMtlsPort()) == 0 ? HBONE_PORT : port(wire.getHboneMtlsPort());
        return switch (wire.getDestinationCase()) {
            case HOSTNAME -> new GatewayAddress.ByHostname(hostname(wire.getHostname()), port);
            case ADDRESS -> new GatewayAddress.ByAddress(networkAddress(wire.getAddress()), port);
            case DESTINATION_NOT_SET -> throw new ConversionException(Reason.MISSING, "destination");
        };
    }

    private static NamespacedName hostname(NamespacedHostname wire) throws ConversionException {
        return new NamespacedName(
                keyPart("hostname.namespace", wire.getNamespace()), keyPart("hostname.hostname", wire.getHostname()));
    }

    private static NetworkAddress networkAddress(io.culvert.protocol.wire.workload.NetworkAddress wire)
            throws ConversionException {
        return new NetworkAddress(
                text("address.network", wire.getNetwork()), address("address.address", wire.getAddress()));
    }

    /** The same address as a message. */
    static io.culvert.protocol.wire.workload.GatewayAddress toWire(GatewayAddress gateway) {
        var out = io.culvert.protocol.wire.workload.GatewayAddress.newBuilder().setHboneMtlsPort(gateway.hbonePort());
        switch (gateway) {
            case GatewayAddress.ByHostname named ->
                out.setHostname(NamespacedHostname.newBuilder()
                        .setNamespace(named.hostname().namespace())
                        .setHostname(named.hostname().name()));
            case GatewayAddress.ByAddress at -> out.setAddress(toWire(at.address()));
        }
        return out.build();
    }

    static io.culvert.protocol.wire.workload.NetworkAddress.Builder toWire(NetworkAddress address) {
        return io.culvert.protocol.wire.workload.NetworkAddress.newBuilder()
                .setNetwork(address.network())
                .setAddress(bytes(address.ip()));
    }

    static ByteString bytes(IpAddress ip) {
        return ByteString.copyFrom(ip.toBytes());
    }
}
