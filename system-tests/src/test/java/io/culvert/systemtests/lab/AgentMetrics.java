package io.culvert.systemtests.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an agent's {@code /metrics} said at one moment. */
public record AgentMetrics(List<Sample> samples) {
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)\\})? ([^ ]+)(?: .*)?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    /** One line. */
    public record Sample(String name, Map<String, String> labels, double value) {
        /** A label, empty where there is none. */
        public String label(String key) {
            return labels.getOrDefault(key, "");
        }
    }

    /** Reads the text format. */
    public static AgentMetrics parse(String text) {
        List<Sample> samples = new ArrayList<>();
        for (String line : text.lines().filter(l -> !l.startsWith("#")).toList()) {
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches()) {
                throw new AssertionError("not a sample: " + line);
            }
            Map<String, String> labels = new HashMap<>();
            String inBraces = sample.group(2);
            Matcher label = LABEL.matcher(inBraces == null ? "" : inBraces);
            while (label.find()) {
                labels.put(label.group(1), label.group(2));
            }
            samples.add(new Sample(sample.group(1), labels, Double.parseDouble(sample.group(3))));
        }
        return new AgentMetrics(List.copyOf(samples));
    }

    /** The sum of a family's samples. */
    public double sum(String name) {
        return sum(name, sample -> true);
    }

    /** The sum of a family's samples of which this holds. */
    public double sum(String name, Predicate<Sample> which) {
        return samples.stream()
                .filter(sample -> sample.name.equals(name))
                .filter(which)
                .mapToDouble(Sample::value)
                .sum();
    }

    /** The sum of a family's samples with this value of a label. */
    public double sum(String name, String label, String value) {
        return sum(name, sample -> sample.label(label).equals(value));
    }

    /** How many connections ended for a reason. */
    public double ended(String reason) {
        return sum("culvert_connections_ended_total", "reason", reason);
    }
}
