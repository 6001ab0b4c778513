package io.culvert.agent.telemetry.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.culvert.testkit.Gen;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

class LineFormatProperties {
    @Test
    void anEntryIsOneLine_whateverItsTexts() {
        Gen.forAll(3_000, gen -> {
            String text = gen.unicode(200);
            LogRecord entry = new FieldRecord(Level.INFO, "x", text, sink -> {
                sink.text("key", text);
                sink.plain("plain", text);
            });
            for (LineFormat format : List.of(new PlainLines(), new JsonLines())) {
                StringBuilder out = new StringBuilder();
                format.append(entry, out);
                String line = out.substring(0, out.length() - 1);
                assertEquals('\n', out.charAt(out.length() - 1));
                assertTrue(line.chars().noneMatch(c -> c < 0x20 && c != '\t' || c == 0x7f || c == 0x2028), line);
            }
        });
    }

    @Test
    void jsonReadsBack_asItWas() {
        Gen.forAll(3_000, gen -> {
            String text = gen.unicode(200);
            StringBuilder out = new StringBuilder();
            new JsonLines().append(new FieldRecord(Level.INFO, "x", text, sink -> sink.text("key", text)), out);
            Map<String, String> read = parse(out.toString());
            assertEquals(text, read.get("message"));
            assertEquals(text, read.get("key"));
        });
    }

    private static Map<String, String> parse(String json) throws IOException {
        Map<String, String> values = new HashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            assertEquals(JsonToken.START_OBJECT, parser.nextToken());
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                values.put(name, parser.getText());
            }
        }
        return values;
    }
}
