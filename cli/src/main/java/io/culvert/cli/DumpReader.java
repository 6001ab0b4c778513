package io.culvert.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.util.Set;

/**
 * Reads what an agent knows one element at a time, so that a large mesh does not need large memory.
 *
 * <p>Bounds: 100 levels of nesting.
 */
final class DumpReader {
    private static final int DEPTH_MAX = 100;
    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH_MAX)
                            .build())
                    .build())
            .build();

    private DumpReader() {}

    /** Takes one element of a section. */
    @FunctionalInterface
    interface Element {
        void take(String key, JsonNode value);
    }

    /** Gives each element of a section that is a list or an object. */
    static void each(InputStream dump, String section, Element element) throws IOException {
        try (JsonParser json = JSON.createParser(dump)) {
            begin(json);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken start = json.nextToken();
                if (name.equals(section) && start.isStructStart()) {
                    elements(json, start, element);
                } else {
                    json.skipChildren();
                }
            }
        }
    }

    private static void elements(JsonParser json, JsonToken start, Element element) throws IOException {
        while (!json.nextToken().isStructEnd()) {
            String key = "";
            if (start == JsonToken.START_OBJECT) {
                key = json.currentName();
                json.nextToken();
            }
            element.take(key, json.readValueAsTree());
        }
    }

    /** Writes one section as it is, or several as an object of them. */
    static void copy(InputStream dump, Set<String> sections, Writer out) throws IOException {
        try (JsonParser json = JSON.createParser(dump);
                JsonGenerator copy = JSON.createGenerator(out)) {
            copy.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            copy.setPrettyPrinter(new DefaultPrettyPrinter());
            boolean several = sections.size() > 1;
            begin(json);
            if (several) {
                copy.writeStartObject();
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                if (!sections.contains(name)) {
                    json.skipChildren();
                    continue;
                }
                if (several) {
                    copy.writeFieldName(name);
                }
                copy.copyCurrentStructure(json);
            }
            if (several) {
                copy.writeEndObject();
            }
        }
        out.write('\n');
        out.flush();
    }

    private static void begin(JsonParser json) throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new IOException("it is no JSON object");
        }
    }
}
