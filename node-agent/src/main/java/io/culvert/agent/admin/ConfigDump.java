package io.culvert.agent.admin;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.Knob;
import io.culvert.agent.config.Setting;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Writes everything that the agent knows as JSON, bit by bit, so that a large mesh does not need large memory.
 *
 * <p>Names and spellings are those that {@code istioctl ztunnel-config} reads; {@code unusedEndpoints} of services,
 * {@code meshProblems}, {@code meshFile}, {@code agent} and {@code javaVersion} are our own.
 */
public final class ConfigDump {
    private static final JsonFactory JSON = new JsonFactory();

    private final ConfigDumpSource source;
    private final List<Setting> settings;
    private final BuildVersion version;

    /** Of the views, the configuration and the build. */
    public ConfigDump(ConfigDumpSource source, List<Setting> settings, BuildVersion version) {
        this.source = source;
        this.settings = List.copyOf(settings);
        this.version = version;
    }

    /** Writes one JSON object; the stream is flushed, not closed. */
    public void writeTo(OutputStream out) throws IOException {
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            MeshDump.write(source.mesh(), json);
            json.writeObjectFieldStart("staticConfig");
            MeshDump.writeStatic(source.staticMesh(), json);
            json.writeEndObject();
            version(json);
            config(json);
            RuntimeDump.certificates(sorted(source.certificates()), json);
            RuntimeDump.pods(source.pods(), json);
            MeshFileView file = source.meshFile();
            if (file != null) {
                RuntimeDump.meshFile(file, json);
            }
            agent(source.agent(), json);
            json.writeEndObject();
        }
    }

    private static List<CertificateView> sorted(List<CertificateView> certificates) {
        return certificates.stream()
                .sorted(Comparator.comparing(each -> each.identity().uri()))
                .toList();
    }

    private void version(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("version");
        json.writeStringField("version", version.version());
        json.writeStringField("gitRevision", version.revision());
        // Fleet tools know the field; there is no such compiler here.
        json.writeStringField("rustVersion", "unknown");
        json.writeStringField("buildProfile", "release");
        json.writeStringField("buildStatus", "unknown");
        json.writeStringField("javaVersion", Runtime.version().toString());
        json.writeStringField("istioVersion", setting(Knob.BUILD_TAG));
        json.writeStringField("cryptoProvider", "boringssl");
        json.writeEndObject();
    }

    private String setting(Knob knob) {
        return settings.stream()
                .filter(each -> each.knob() == knob)
                .map(Setting::text)
                .findFirst()
                .orElse("");
    }

    private void config(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("config");
        for (Setting setting : settings) {
            json.writeObjectFieldStart(setting.knob().fileKey());
            json.writeStringField("value", setting.text());
            json.writeStringField("origin", setting.origin());
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void agent(AgentView agent, JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("agent");
        json.writeStringField("role", Words.lower(agent.role()));
        json.writeNumberField("loops", agent.loops());
        json.writeStringField("kernelTls", agent.kernelTls());
        json.writeObjectFieldStart("versions");
        for (var each : new TreeMap<>(agent.versions()).entrySet()) {
            json.writeStringField(each.getKey(), each.getValue());
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
