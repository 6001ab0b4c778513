package io.culvert.protocol.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Messages written by their field numbers alone. */
final class Raw {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

    private interface Write {
        void to(CodedOutputStream out) throws IOException;
    }

    private Raw write(Write write) {
        try {
            write.to(out);
            out.flush();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return this;
    }

    Raw text(int field, String value) {
        return write(o -> o.writeString(field, value));
    }

    Raw number(int field, long value) {
        return write(o -> o.writeUInt64(field, value));
    }

    Raw bytes(int field, int... values) {
        byte[] octets = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            octets[i] = (byte) values[i];
        }
        return write(o -> o.writeByteArray(field, octets));
    }

    Raw message(int field, Raw inner) {
        return write(o -> o.writeByteArray(field, inner.done()));
    }

    byte[] done() {
        return bytes.toByteArray();
    }

    ByteString string() {
        return ByteString.copyFrom(done());
    }
}
