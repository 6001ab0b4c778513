package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/**
 * What one end of a connection says of its workload, for telemetry only; empty means unknown.
 *
 * <p>The text is {@code key=value} pairs joined with commas, in a fixed order, without blanks or escapes:
 *
 * <pre>
 * k8s.cluster.name, k8s.namespace.name, k8s.{deployment|cronjob|pod|job}.name, service.name, service.version,
 * cloud.region, cloud.availability_zone
 * </pre>
 *
 * <p>Bounds: {@value #VALUE_CHARS_MAX} characters a value; a value that is longer, or has characters that the text cannot
 * carry, is left out, on the way out and on the way in.
 *
 * @param workloadType deployment, cronjob, pod or job; means nothing without a workload name
 */
public record Baggage(
        String cluster,
        String namespace,
        String workloadType,
        String workload,
        String service,
        String version,
        String region,
        String zone) {
    public static final Baggage EMPTY = new Baggage("", "", "", "", "", "", "", "");
    public static final int VALUE_CHARS_MAX = 253;

    /** Returns the header's value, possibly empty. */
    public String format() {
        StringBuilder text = new StringBuilder(128);
        append(text, "k8s.cluster.name", cluster);
        append(text, "k8s.namespace.name", namespace);
        if (isWorkloadType(workloadType)) {
            append(text, "k8s." + workloadType + ".name", workload);
        }
        append(text, "service.name", service);
        append(text, "service.version", version);
        append(text, "cloud.region", region);
        append(text, "cloud.availability_zone", zone);
        return text.toString();
    }

    /** Reads a header's value, or several joined with commas; a later pair wins, unknown keys are passed over. */
    public static Baggage parse(@Nullable String text) {
        if (text == null || text.length() > ConnectRequest.BAGGAGE_CHARS_MAX || !isAscii(text)) {
            return EMPTY;
        }
        Baggage all = EMPTY;
        int from = 0;
        while (from < text.length()) {
            int comma = text.indexOf(',', from);
            int to = comma < 0 ? text.length() : comma;
            all = all.with(text.substring(from, to));
            from = to + 1;
        }
        return all;
    }

    private Baggage with(String pair) {
        int equals = pair.indexOf('=');
        if (equals < 0) {
            return this;
        }
        int again = pair.indexOf('=', equals + 1);
        String value = pair.substring(equals + 1, again < 0 ? pair.length() : again);
        return isValue(value) || value.isEmpty() ? with(pair.substring(0, equals), value) : this;
    }

    private Baggage with(String key, String value) {
        return switch (key) {
            case "k8s.cluster.name" ->
                new Baggage(value, namespace, workloadType, workload, service, version, region, zone);
            case "k8s.namespace.name" ->
                new Baggage(cluster, value, workloadType, workload, service, version, region, zone);
            case "k8s.deployment.name", "k8s.cronjob.name", "k8s.pod.name", "k8s.job.name" -> {
                String type = value.isEmpty() ? "" : key.substring(4, key.length() - 5);
                yield new Baggage(cluster, namespace, type, value, service, version, region, zone);
            }
            case "service.name" ->
                new Baggage(cluster, namespace, workloadType, workload, value, version, region, zone);
            case "service.version" ->
                new Baggage(cluster, namespace, workloadType, workload, service, value, region, zone);
            case "cloud.region" ->
                new Baggage(cluster, namespace, workloadType, workload, service, version, value, zone);
            case "cloud.availability_zone" ->
                new Baggage(cluster, namespace, workloadType, workload, service, version, region, value);
            default -> this;
        };
    }

    private static void append(StringBuilder text, String key, String value) {
        if (isValue(value)) {
            text.append(text.isEmpty() ? "" : ",").append(key).append('=').append(value);
        }
    }

    private static boolean isWorkloadType(String type) {
        return switch (type) {
            case "deployment", "cronjob", "pod", "job" -> true;
            default -> false;
        };
    }

    private static boolean isValue(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c <= ' ' || c >= 0x7F || c == ',' || c == '=' || c == ';' || c == '"' || c == '\\') {
                return false;
            }
        }
        return !value.isEmpty() && value.length() <= VALUE_CHARS_MAX;
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }
}
