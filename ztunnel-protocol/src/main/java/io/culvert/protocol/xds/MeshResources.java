package io.culvert.protocol.xds;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.workload.Address;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Converts the mesh's resources between wire messages and records.
 *
 * <p>Bounds: a resource at most 4 MiB, a text at most 2,048 characters and free of control characters, a list at most
 * 10,000 entries; past that the resource is rejected. Not so a policy, which has bounds of its own, and past them is in
 * force by its strictest reading.
 *
 * <p>Errors: as values; one resource's faults never touch another.
 */
public final class MeshResources {
    public static final String ADDRESS_TYPE = "type.googleapis.com/istio.workload.Address";
    public static final String AUTHORIZATION_TYPE = "type.googleapis.com/istio.security.Authorization";
    public static final int RESOURCE_BYTES_MAX = 4 << 20;
    private static final int VERSION_BYTES = 8;

    private MeshResources() {}

    /** Whether resources of this type URL can be converted. */
    public static boolean isKnown(String typeUrl) {
        return typeUrl.equals(ADDRESS_TYPE) || typeUrl.equals(AUTHORIZATION_TYPE);
    }

    /** Converts one resource of a response of the given type. */
    public static Converted<MeshResource> decode(String typeUrl, Resource wire) {
        String name = wire.getName();
        List<ConversionFault> warnings = new ArrayList<>();
        try {
            return new Converted.Taken<>(decode(typeUrl, wire, warnings), warnings);
        } catch (ConversionException rejected) {
            return new Converted.Rejected<>(rejected.fault(name));
        } catch (InvalidProtocolBufferException undecodable) {
            return new Converted.Rejected<>(new ConversionFault(name, Reason.UNDECODABLE, ""));
        }
    }

    private static MeshResource decode(String typeUrl, Resource wire, List<ConversionFault> warnings)
            throws ConversionException, InvalidProtocolBufferException {
        FieldReader.required("name", wire.getName());
        if (!wire.hasResource()) {
            throw new ConversionException(Reason.MISSING, "resource");
        }
        if (!wire.getResource().getTypeUrl().equals(typeUrl)) {
            throw new ConversionException(Reason.WRONG_TYPE, "");
        }
        ByteString body = wire.getResource().getValue();
        if (body.size() > RESOURCE_BYTES_MAX) {
            return tooLarge(typeUrl, wire.getName(), body, warnings);
        }
        return switch (typeUrl) {
            case ADDRESS_TYPE -> address(wire.getName(), Address.parseFrom(body), warnings);
            case AUTHORIZATION_TYPE ->
                new MeshResource.OfPolicy(PolicyCodec.read(wire.getName(), Authorization.parseFrom(body), warnings));
            default -> throw new ConversionException(Reason.UNSUPPORTED, "");
        };
    }

    private static MeshResource tooLarge(String typeUrl, String name, ByteString body, List<ConversionFault> warnings)
            throws ConversionException, InvalidProtocolBufferException {
        ConversionException why = new ConversionException(Reason.TOO_LARGE, "");
        if (!typeUrl.equals(AUTHORIZATION_TYPE)) {
            throw why;
        }
        try {
            Authorization head = PolicyCodec.head(body.newCodedInput());
            return new MeshResource.OfPolicy(PolicyCodec.strictest(name, head, why, warnings));
        } catch (InvalidProtocolBufferException malformed) {
            throw malformed;
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /**
     * Converts a policy that is {@linkplain ResponseReader too large to be read}, of which the head came: to its
     * strictest reading.
     */
    static Converted<MeshResource> decodeHead(Resource wire) {
        String name = wire.getName();
        List<ConversionFault> warnings = new ArrayList<>();
        try {
            Authorization head = Authorization.parseFrom(wire.getResource().getValue());
            ConversionException why = new ConversionException(Reason.TOO_LARGE, "");
            Policy policy = PolicyCodec.strictest(name, head, why, warnings);
            return new Converted.Taken<>(new MeshResource.OfPolicy(policy), warnings);
        } catch (ConversionException rejected) {
            return new Converted.Rejected<>(rejected.fault(name));
        } catch (InvalidProtocolBufferException undecodable) {
            return new Converted.Rejected<>(new ConversionFault(name, Reason.UNDECODABLE, ""));
        }
    }

    private static MeshResource address(String name, Address wire, List<ConversionFault> warnings)
            throws ConversionException {
        MeshResource resource = switch (wire.getTypeCase()) {
            case WORKLOAD -> new MeshResource.OfWorkload(WorkloadCodec.read(wire.getWorkload()));
            case SERVICE -> new MeshResource.OfService(ServiceCodec.read(name, wire.getService(), warnings));
            case TYPE_NOT_SET -> throw new ConversionException(Reason.MISSING, "type");
        };
        if (!resource.resourceName().equals(name)) {
            warnings.add(new ConversionFault(name, Reason.NAME_MISMATCH, ""));
        }
        return resource;
    }

    /** The type URL under which a resource travels. */
    public static String typeUrl(MeshResource resource) {
        return switch (resource) {
            case MeshResource.OfWorkload workload -> ADDRESS_TYPE;
            case MeshResource.OfService service -> ADDRESS_TYPE;
            case MeshResource.OfPolicy policy -> AUTHORIZATION_TYPE;
        };
    }

    /** The message of a resource, as an {@link Address} or an {@link Authorization}. */
    public static MessageLite toMessage(MeshResource resource) {
        return switch (resource) {
            case MeshResource.OfWorkload(var workload) ->
                Address.newBuilder().setWorkload(WorkloadCodec.write(workload)).build();
            case MeshResource.OfService(var service) ->
                Address.newBuilder().setService(ServiceCodec.write(service)).build();
            case MeshResource.OfPolicy(var policy) -> PolicyCodec.write(policy);
        };
    }

    /** A resource ready to be sent; equal resources get equal versions. */
    public static Resource encode(MeshResource resource) {
        ByteString body = toMessage(resource).toByteString();
        return Resource.newBuilder()
                .setName(resource.resourceName())
                .setVersion(version(body))
                .setResource(Any.newBuilder().setTypeUrl(typeUrl(resource)).setValue(body))
                .build();
    }

    private static String version(ByteString body) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(body.toByteArray());
            return HexFormat.of().formatHex(hash, 0, VERSION_BYTES);
        } catch (NoSuchAlgorithmException absent) {
            throw new IllegalStateException("every Java platform has SHA-256", absent);
        }
    }
}
