package io.culvert.control.file.yaml;

import org.jspecify.annotations.Nullable;

/**
 * The way from the top of a document to a value, such as {@code workloads[2].addresses[0]}; spelt out only when needed.
 *
 * @param parent null at the top
 * @param step {@code .key} or {@code [index]}
 */
public record YamlPath(@Nullable YamlPath parent, String step) {
    public static final YamlPath ROOT = new YamlPath(null, "");

    YamlPath key(String key) {
        return new YamlPath(this, "." + Problems.shown(key));
    }

    YamlPath index(int index) {
        return new YamlPath(this, "[" + index + "]");
    }

    @Override
    public String toString() {
        String text = (parent == null ? "" : parent.toString()) + step;
        return text.startsWith(".") ? text.substring(1) : text;
    }
}
