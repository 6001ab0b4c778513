package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Problems;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Labels, and the labels that a selector asks for.
 *
 * <p>Source: Kubernetes labels: a key of an optional DNS prefix and a name, a value of at most 63 characters.
 */
final class Labels {
    private Labels() {}

    /** Reads a mapping of labels; empty where the key is absent. */
    static Map<String, String> read(Fields owner, String key) {
        Fields fields = owner.section(key);
        return fields == null ? Map.of() : read(fields);
    }

    /** Reads labels that select; null where the key is absent. An empty selector is refused. */
    static @Nullable Map<String, String> selector(Fields owner, String key) {
        Fields fields = owner.section(key);
        if (fields == null) {
            return owner.field(key) == null ? null : Map.of();
        }
        if (fields.isEmpty()) {
            fields.self().wrong("selects by nothing", "add a label, or remove the key");
        }
        return read(fields);
    }

    private static Map<String, String> read(Fields fields) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (Map.Entry<String, Field> entry : fields.all().entrySet()) {
            String value = entry.getValue().text();
            if (value == null) {
                continue;
            }
            if (!isKey(entry.getKey()) || !isValue(value)) {
                entry.getValue()
                        .wrong(
                                "'" + Problems.shown(entry.getKey()) + ": " + Problems.shown(value) + "' is no label",
                                "use up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends");
            }
            labels.put(entry.getKey(), value);
        }
        return labels;
    }

    private static boolean isKey(String key) {
        int slash = key.indexOf('/');
        String prefix = slash < 0 ? "" : key.substring(0, slash);
        String name = key.substring(slash + 1);
        return slash != 0 && prefix.length() <= 253 && !name.isEmpty() && isValue(name) && prefix.indexOf(' ') < 0;
    }

    private static boolean isValue(String value) {
        if (value.isEmpty()) {
            return true;
        }
        return value.length() <= 63
                && alphanumeric(value.charAt(0))
                && alphanumeric(value.charAt(value.length() - 1))
                && value.chars().allMatch(c -> alphanumeric(c) || c == '-' || c == '_' || c == '.');
    }

    private static boolean alphanumeric(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
    }
}
