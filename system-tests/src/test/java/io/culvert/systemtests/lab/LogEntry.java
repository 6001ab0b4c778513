package io.culvert.systemtests.lab;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One line that an agent logged, as its fields. */
public record LogEntry(Map<String, String> fields) {
    private static final JsonFactory JSON = new JsonFactory();
    private static final Pattern PLAIN =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z)\t(\\w+)\t(\\S+)\t([^\t]*)(?:\t(.*))?");
    private static final Pattern FIELD = Pattern.compile("([\\w.]+)=(?:\"((?:[^\"\\\\]|\\\\.)*)\"|(\\S*))");

    /** Reads a line; empty for one that is not of the agent's log, such as the JVM's own. */
    static Optional<LogEntry> parse(String line) {
        if (!line.startsWith("{")) {
            return parsePlain(line);
        }
        Map<String, String> fields = new LinkedHashMap<>();
        try (JsonParser parser = JSON.createParser(line)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                fields.put(name, parser.getText());
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        return Optional.of(new LogEntry(fields));
    }

    private static Optional<LogEntry> parsePlain(String line) {
        Matcher head = PLAIN.matcher(line);
        if (!head.matches()) {
            return Optional.empty();
        }
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("time", head.group(1));
        fields.put("level", head.group(2));
        fields.put("scope", head.group(3));
        fields.put("message", head.group(4));
        Matcher field = FIELD.matcher(Objects.requireNonNullElse(head.group(5), ""));
        while (field.find()) {
            String quoted = field.group(2);
            fields.put(field.group(1), quoted == null ? field.group(3) : quoted.replaceAll("\\\\(.)", "$1"));
        }
        return Optional.of(new LogEntry(fields));
    }

    /** A field, empty where there is none. */
    public String field(String name) {
        return fields.getOrDefault(name, "");
    }

    /** Whether it is a line of the access log that tells of a connection's end. */
    public boolean isConnectionEnd() {
        return field("scope").equals("access") && !field("message").equals("connection opened");
    }

    /** Whether the agent reports that it is itself in trouble, as opposed to a connection that failed. */
    public boolean isTrouble() {
        return field("level").equals("error") && !field("scope").equals("access")
                || field("error").startsWith("internal error")
                || field("message").contains("fault in the agent");
    }
}
