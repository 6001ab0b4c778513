package io.culvert.agent.admin;

import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.agent.telemetry.Direction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;

/** Writes what the agent holds at run time: certificates, pods and their connections, the mesh file's state. */
final class RuntimeDump {
    private static final int PEM_LINE = 64;

    private RuntimeDump() {}

    static void certificates(List<CertificateView> certificates, JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("certificates");
        for (CertificateView each : certificates) {
            json.writeStartObject();
            json.writeStringField("identity", each.identity().uri());
            json.writeStringField("state", state(each));
            chain("certChain", each.chain(), json);
            chain("rootCerts", each.roots(), json);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static String state(CertificateView certificate) {
        return switch (certificate.state()) {
            case INITIALIZING -> "Initializing";
            case AVAILABLE -> "Available";
            case UNAVAILABLE -> "Unavailable: " + certificate.problem();
        };
    }

    private static void chain(String field, List<X509Certificate> certificates, JsonGenerator json) throws IOException {
        json.writeArrayFieldStart(field);
        for (X509Certificate each : certificates) {
            json.writeStartObject();
            json.writeStringField("pem", Base64.getEncoder().encodeToString(pem(each)));
            json.writeStringField("serialNumber", each.getSerialNumber().toString());
            json.writeStringField(
                    "validFrom",
                    each.getNotBefore()
                            .toInstant()
                            .truncatedTo(ChronoUnit.SECONDS)
                            .toString());
            json.writeStringField(
                    "expirationTime",
                    each.getNotAfter()
                            .toInstant()
                            .truncatedTo(ChronoUnit.SECONDS)
                            .toString());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static byte[] pem(X509Certificate certificate) throws IOException {
        try {
            String body = Base64.getMimeEncoder(PEM_LINE, new byte[] {'\n'}).encodeToString(certificate.getEncoded());
            return ("-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n")
                    .getBytes(StandardCharsets.US_ASCII);
        } catch (CertificateEncodingException e) {
            throw new IOException("a certificate in use cannot be encoded", e);
        }
    }

    static void pods(List<PodView> pods, JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("workloadState");
        for (PodView pod :
                pods.stream().sorted(Comparator.comparing(PodView::uid)).toList()) {
            json.writeObjectFieldStart(pod.uid());
            json.writeStringField("state", pod.problem().isEmpty() ? "Up" : "Pending");
            if (!pod.problem().isEmpty()) {
                json.writeStringField("problem", pod.problem());
            }
            json.writeObjectFieldStart("info");
            json.writeStringField("name", pod.name());
            json.writeStringField("namespace", pod.namespace());
            json.writeStringField("serviceAccount", pod.serviceAccount());
            json.writeEndObject();
            json.writeObjectFieldStart("connections");
            connections("inbound", pod.connections(), Direction.INBOUND, json);
            connections("outbound", pod.connections(), Direction.OUTBOUND, json);
            json.writeEndObject();
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void connections(
            String field, List<ConnectionView> connections, Direction direction, JsonGenerator json)
            throws IOException {
        json.writeArrayFieldStart(field);
        for (ConnectionView each : connections) {
            if (each.direction() == direction) {
                json.writeStartObject();
                json.writeStringField("src", each.source().toString());
                json.writeStringField("originalDst", each.originalDestination());
                json.writeStringField("actualDst", each.actualDestination().toString());
                json.writeStringField("protocol", each.carriage().label());
                json.writeEndObject();
            }
        }
        json.writeEndArray();
    }

    static void meshFile(MeshFileView file, JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("meshFile");
        json.writeStringField("path", file.path().toString());
        json.writeStringField("version", file.version());
        json.writeStringField("lastError", file.lastError());
        json.writeEndObject();
    }
}
