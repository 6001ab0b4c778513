package io.culvert.agent.xds;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.io.IOException;

/** JSON as protocol-buffer values. Bounds: {@link #DEPTH_MAX} levels. */
final class JsonValues {
    private static final int DEPTH_MAX = 32;
    private static final JsonFactory JSON = new JsonFactory();

    private JsonValues() {}

    /** Reads one value. Errors: {@link IOException} unless the text is exactly one. */
    static Value parse(String text) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            if (parser.nextToken() == null) {
                throw new IOException("there is no value");
            }
            Value value = value(parser, 0);
            if (parser.nextToken() != null) {
                throw new IOException("there is more than one value");
            }
            return value;
        }
    }

    private static Value value(JsonParser parser, int depth) throws IOException {
        if (depth > DEPTH_MAX) {
            throw new IOException("it is nested too deeply");
        }
        Value.Builder value = Value.newBuilder();
        return switch (parser.currentToken()) {
            case VALUE_STRING -> value.setStringValue(parser.getText()).build();
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
                value.setNumberValue(parser.getDoubleValue()).build();
            case VALUE_TRUE, VALUE_FALSE ->
                value.setBoolValue(parser.getBooleanValue()).build();
            case VALUE_NULL -> value.setNullValue(NullValue.NULL_VALUE).build();
            case START_OBJECT -> value.setStructValue(object(parser, depth)).build();
            case START_ARRAY -> value.setListValue(array(parser, depth)).build();
            case NOT_AVAILABLE, END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT ->
                throw new IOException("there is no value");
        };
    }

    private static Struct object(JsonParser parser, int depth) throws IOException {
        Struct.Builder object = Struct.newBuilder();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            object.putFields(name, value(parser, depth + 1));
        }
        return object.build();
    }

    private static ListValue array(JsonParser parser, int depth) throws IOException {
        ListValue.Builder array = ListValue.newBuilder();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            array.addValues(value(parser, depth + 1));
        }
        return array.build();
    }
}
