package io.culvert.protocol.xds;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a response resource by resource, so that a large one is never in memory twice: once for what stands around the
 * resources, then again for them, which by then may be let go of one by one.
 *
 * <p>Bounds: a resource at most {@link MeshResources#RESOURCE_BYTES_MAX} and what surrounds it, a name at most {@value
 * #NAME_BYTES_MAX} bytes; a larger resource is skipped and reported, a larger policy
 * but for its rules, a larger name of something removed is skipped.
 *
 * <p>Errors: {@link IOException} when the message as a whole is malformed, before the first resource was handed over.
 *
 * <p>Source: Protocol Buffers encoding; the numbers of {@link DeltaDiscoveryResponse}.
 */
public final class ResponseReader {
    static final int NAME_BYTES_MAX = 8_192;
    private static final int ENTRY_BYTES_MAX = MeshResources.RESOURCE_BYTES_MAX + 2 * NAME_BYTES_MAX;
    private static final int CHUNK = 16 * 1024;

    private final InputStream bytes;
    private final Head head;

    private ResponseReader(InputStream bytes, Head head) {
        this.bytes = bytes;
        this.head = head;
    }

    /**
     * What stands around the resources.
     *
     * @param typeUrl of which type they are
     * @param nonce what the reply names
     * @param removed names of resources that are gone
     * @param resources how many there are
     */
    public record Head(String typeUrl, String nonce, List<String> removed, int resources) {
        public Head {
            removed = List.copyOf(removed);
        }
    }

    /** Whom the resources are handed to, in their order. */
    public interface Visitor {
        void resource(Resource resource);

        /** In place of a resource that cannot be read as one. */
        void unreadable(ConversionFault fault);

        /** In place of a policy that is too large: all of it but its rules. */
        void headOfPolicy(Resource head);
    }

    /** Reads the head; the stream must be able to go back to where it was. */
    public static ResponseReader open(InputStream bytes) throws IOException {
        if (!bytes.markSupported()) {
            throw new IOException("the response cannot be read twice");
        }
        bytes.mark(Integer.MAX_VALUE);
        Head head = scan(CodedInputStream.newInstance(bytes, CHUNK));
        bytes.reset();
        return new ResponseReader(bytes, head);
    }

    public Head head() {
        return head;
    }

    private static Head scan(CodedInputStream in) throws IOException {
        String typeUrl = "";
        String nonce = "";
        List<String> removed = new ArrayList<>();
        int resources = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (delimited(tag)) {
                case DeltaDiscoveryResponse.TYPE_URL_FIELD_NUMBER -> typeUrl = name(in);
                case DeltaDiscoveryResponse.NONCE_FIELD_NUMBER -> nonce = name(in);
                case DeltaDiscoveryResponse.REMOVED_RESOURCES_FIELD_NUMBER -> {
                    int length = in.readRawVarint32();
                    if (length <= NAME_BYTES_MAX) {
                        removed.add(text(in, length));
                    } else {
                        in.skipRawBytes(length);
                    }
                }
                case DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER -> {
                    in.skipRawBytes(in.readRawVarint32());
                    resources++;
                }
                default -> in.skipField(tag);
            }
        }
        return new Head(typeUrl, nonce, removed, resources);
    }

    /** The field's number if it has a length; otherwise 0, which no field has. */
    private static int delimited(int tag) {
        boolean hasLength = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
        return hasLength ? WireFormat.getTagFieldNumber(tag) : 0;
    }

    private static String name(CodedInputStream in) throws IOException {
        int length = in.readRawVarint32();
        if (length > NAME_BYTES_MAX) {
            throw new InvalidProtocolBufferException("a name is longer than " + NAME_BYTES_MAX + " bytes");
        }
        return text(in, length);
    }

    private static String text(CodedInputStream in, int length) throws IOException {
        return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
    }

    /** Hands over the resources; to be called once. */
    public void resources(Visitor visitor) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(bytes, CHUNK);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (delimited(tag) == DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER) {
                resource(in, in.readRawVarint32(), visitor);
                // What was read is not gone back to, and can be let go of.
                bytes.mark(CHUNK);
            } else {
                in.skipField(tag);
            }
        }
    }

    private void resource(CodedInputStream in, int length, Visitor visitor) throws IOException {
        if (length > ENTRY_BYTES_MAX) {
            large(in, length, visitor);
            return;
        }
        byte[] body = in.readRawBytes(length);
        Resource resource;
        try {
            resource = Resource.parseFrom(body);
        } catch (InvalidProtocolBufferException e) {
            visitor.unreadable(new ConversionFault(nameIn(body), Reason.UNDECODABLE, ""));
            return;
        }
        visitor.resource(resource);
    }

    private void large(CodedInputStream in, int length, Visitor visitor) throws IOException {
        var resource = Resource.newBuilder();
        within(in, length, () -> headOf(in, resource));
        if (resource.hasResource()) {
            visitor.headOfPolicy(resource.build());
        } else {
            visitor.unreadable(new ConversionFault(resource.getName(), Reason.TOO_LARGE, ""));
        }
    }

    /** Reads what is within a length. */
    private interface Part {
        void read() throws IOException;
    }

    /** Goes on behind a part, be it malformed. */
    private static void within(CodedInputStream in, int length, Part part) throws IOException {
        int outer = in.pushLimit(length);
        int end = in.getTotalBytesRead() + length;
        try {
            part.read();
        } catch (InvalidProtocolBufferException malformed) {
            // What was found until here is all there is.
        }
        in.popLimit(outer);
        in.skipRawBytes(end - in.getTotalBytesRead());
    }

    /** The name of a resource that is skipped, unless it is too long as well, and of a policy all but its rules. */
    private void headOf(CodedInputStream in, Resource.Builder resource) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (delimited(tag)) {
                case Resource.NAME_FIELD_NUMBER -> resource.setName(nameOr(in, tag, resource.getName()));
                case Resource.VERSION_FIELD_NUMBER -> resource.setVersion(name(in));
                case Resource.RESOURCE_FIELD_NUMBER -> within(in, in.readRawVarint32(), () -> anyIn(in, resource));
                default -> in.skipField(tag);
            }
        }
    }

    private void anyIn(CodedInputStream in, Resource.Builder resource) throws IOException {
        String typeUrl = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = delimited(tag);
            if (field == Any.TYPE_URL_FIELD_NUMBER) {
                typeUrl = name(in);
            } else if (field == Any.VALUE_FIELD_NUMBER
                    && typeUrl.equals(MeshResources.AUTHORIZATION_TYPE)
                    && typeUrl.equals(head.typeUrl())) {
                within(in, in.readRawVarint32(), () -> policyIn(in, resource));
            } else {
                in.skipField(tag);
            }
        }
    }

    private static void policyIn(CodedInputStream in, Resource.Builder resource) throws IOException {
        ByteString policy = PolicyCodec.head(in).toByteString();
        resource.setResource(
                Any.newBuilder().setTypeUrl(MeshResources.AUTHORIZATION_TYPE).setValue(policy));
    }

    private static String nameIn(byte[] body) {
        CodedInputStream in = CodedInputStream.newInstance(body);
        String name = "";
        try {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                name = nameOr(in, tag, name);
            }
        } catch (IOException e) {
            // What was found until here is all there is.
            return name;
        }
        return name;
    }

    private static String nameOr(CodedInputStream in, int tag, String before) throws IOException {
        if (delimited(tag) != Resource.NAME_FIELD_NUMBER) {
            in.skipField(tag);
            return before;
        }
        int length = in.readRawVarint32();
        if (length < 0 || length > NAME_BYTES_MAX) {
            in.skipRawBytes(length);
            return before;
        }
        return text(in, length);
    }
}
