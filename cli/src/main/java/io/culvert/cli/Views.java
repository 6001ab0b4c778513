package io.culvert.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** What the tables show. */
final class Views {
    static final View WORKLOADS = new View(
            "workloads",
            List.of("NAMESPACE", "WORKLOAD", "ADDRESSES", "NODE", "PROTOCOL", "SERVICE ACCOUNT", "WAYPOINT", "STATUS"),
            (key, workload) -> one(
                    text(workload, "namespace"),
                    text(workload, "name"),
                    list(workload.path("workloadIps")),
                    text(workload, "node"),
                    text(workload, "protocol"),
                    text(workload, "serviceAccount"),
                    destination(workload.path("waypoint")),
                    health(workload.path("status").asText())));

    static final View SERVICES = new View(
            "services",
            List.of("NAMESPACE", "SERVICE", "HOSTNAME", "ADDRESSES", "PORTS", "WAYPOINT", "ENDPOINTS"),
            (key, service) -> one(
                    text(service, "namespace"),
                    text(service, "name"),
                    text(service, "hostname"),
                    list(service.path("vips")),
                    ports(service.path("ports")),
                    destination(service.path("waypoint")),
                    endpoints(service)));

    static final View POLICIES = new View(
            "policies",
            List.of("NAMESPACE", "POLICY", "ACTION", "SCOPE", "RULES", "DRY RUN"),
            (key, policy) -> one(
                    text(policy, "namespace"),
                    text(policy, "name"),
                    new Cell(
                            policy.path("action").asText(),
                            policy.path("action").asText().equals("Deny") ? Tone.BAD : Tone.GOOD),
                    text(policy, "scope"),
                    Cell.of(Integer.toString(policy.path("rules").size())),
                    policy.path("dryRun").asBoolean() ? new Cell("yes", Tone.DOUBTFUL) : Cell.of("no")));

    static final View PODS = new View(
            "workloadState",
            List.of("NAMESPACE", "POD", "SERVICE ACCOUNT", "STATE", "INBOUND", "OUTBOUND", "PROBLEM"),
            (uid, pod) -> one(
                    text(pod.path("info"), "namespace"),
                    text(pod.path("info"), "name"),
                    text(pod.path("info"), "serviceAccount"),
                    state(pod.path("state").asText()),
                    Cell.of(Integer.toString(
                            pod.path("connections").path("inbound").size())),
                    Cell.of(Integer.toString(
                            pod.path("connections").path("outbound").size())),
                    text(pod, "problem")));

    static final View CONNECTIONS = new View(
            "workloadState",
            List.of("NAMESPACE", "POD", "DIRECTION", "SOURCE", "ASKED FOR", "DESTINATION", "PROTOCOL"),
            (uid, pod) -> {
                List<List<Cell>> rows = new ArrayList<>();
                for (String direction : List.of("inbound", "outbound")) {
                    for (JsonNode connection : pod.path("connections").path(direction)) {
                        rows.add(connection(pod.path("info"), direction, connection));
                    }
                }
                return rows;
            });

    static final View CONFIG = new View("config", List.of("SETTING", "VALUE", "FROM"), (name, setting) -> {
        String from = setting.path("origin").asText();
        boolean said = !from.equals("default") && !from.equals("not set");
        return one(Cell.of(name), text(setting, "value"), new Cell(from, said ? Tone.GOOD : Tone.QUIET));
    });

    private Views() {}

    /** Certificates, judged by a clock. */
    static View certificates(InstantSource clock) {
        return new View(
                "certificates",
                List.of("IDENTITY", "KIND", "STATE", "SERIAL NUMBER", "VALID FROM", "EXPIRES"),
                (key, certificate) -> {
                    List<List<Cell>> rows = new ArrayList<>();
                    Cell identity = text(certificate, "identity");
                    String state = certificate.path("state").asText();
                    int at = 0;
                    for (JsonNode each : certificate.path("certChain")) {
                        rows.add(certificate(identity, at++ == 0 ? "leaf" : "intermediate", state, each, clock));
                    }
                    for (JsonNode each : certificate.path("rootCerts")) {
                        rows.add(certificate(identity, "root", state, each, clock));
                    }
                    if (rows.isEmpty()) {
                        Tone tone = state.equals("Initializing") ? Tone.DOUBTFUL : Tone.BAD;
                        Cell none = Cell.of("");
                        rows.add(List.of(identity, none, new Cell(state, tone), none, none, none));
                    }
                    return rows;
                });
    }

    private static List<Cell> certificate(
            Cell identity, String kind, String state, JsonNode certificate, InstantSource clock) {
        return List.of(
                identity,
                Cell.of(kind),
                validity(state, certificate, clock.instant()),
                text(certificate, "serialNumber"),
                text(certificate, "validFrom"),
                text(certificate, "expirationTime"));
    }

    private static Cell validity(String state, JsonNode certificate, Instant now) {
        try {
            Instant from = Instant.parse(certificate.path("validFrom").asText());
            Instant until = Instant.parse(certificate.path("expirationTime").asText());
            if (now.isBefore(from)) {
                return new Cell("not valid yet", Tone.BAD);
            }
            if (!now.isBefore(until)) {
                return new Cell("expired", Tone.BAD);
            }
            return new Cell(state + ", " + span(Duration.between(now, until)) + " left", Tone.GOOD);
        } catch (DateTimeParseException e) {
            return new Cell(state, Tone.DOUBTFUL);
        }
    }

    /** The two largest units. */
    static String span(Duration duration) {
        long days = duration.toDays();
        if (days > 0) {
            return days + "d" + duration.toHoursPart() + "h";
        }
        if (duration.toHours() > 0) {
            return duration.toHours() + "h" + duration.toMinutesPart() + "m";
        }
        return duration.toMinutes() + "m" + duration.toSecondsPart() + "s";
    }

    private static List<Cell> connection(JsonNode pod, String direction, JsonNode connection) {
        String protocol = connection.path("protocol").asText();
        return List.of(
                text(pod, "namespace"),
                text(pod, "name"),
                Cell.of(direction),
                text(connection, "src"),
                text(connection, "originalDst"),
                text(connection, "actualDst"),
                new Cell(protocol, protocol.equals("TCP") ? Tone.DOUBTFUL : Tone.GOOD));
    }

    private static List<List<Cell>> one(Cell... cells) {
        return List.of(List.of(cells));
    }

    private static Cell text(JsonNode node, String field) {
        JsonNode value = node.path(field);
        return Cell.of(value.isNull() ? "" : value.asText());
    }

    private static Cell list(JsonNode values) {
        return Cell.of(StreamSupport.stream(values.spliterator(), false)
                .map(each -> withoutDefaultNetwork(each.asText()))
                .collect(Collectors.joining(",")));
    }

    private static Cell destination(JsonNode gateway) {
        return Cell.of(withoutDefaultNetwork(gateway.path("destination").asText()));
    }

    // An address of the default network is written with an empty network before its slash.
    private static String withoutDefaultNetwork(String address) {
        return address.startsWith("/") ? address.substring(1) : address;
    }

    private static Cell ports(JsonNode ports) {
        return Cell.of(ports.properties().stream()
                .map(each -> each.getKey() + (each.getValue().asInt() == 0 ? "" : ":" + each.getValue()))
                .collect(Collectors.joining(",")));
    }

    private static Cell endpoints(JsonNode service) {
        JsonNode used = service.path("endpoints");
        int all = used.size() + service.path("unusedEndpoints").size();
        long healthy = used.properties().stream()
                .filter(each -> each.getValue().path("status").asText().equals("Healthy"))
                .count();
        Tone tone = healthy == 0 ? Tone.BAD : healthy < all ? Tone.DOUBTFUL : Tone.GOOD;
        return new Cell(healthy + "/" + all, tone);
    }

    private static Cell health(String status) {
        return new Cell(status, status.equals("Healthy") ? Tone.GOOD : Tone.BAD);
    }

    private static Cell state(String state) {
        return new Cell(state, state.equals("Up") ? Tone.GOOD : Tone.DOUBTFUL);
    }
}
