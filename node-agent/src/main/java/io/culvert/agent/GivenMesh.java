package io.culvert.agent;

import io.culvert.agent.admin.MeshView;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.MeshConfig;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.control.file.MeshFileError;
import io.culvert.control.local.LocalConfig;
import io.culvert.control.local.LocalConfigParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.stream.Collectors;

/**
 * What the agent is given of the mesh from the start, beside what a control plane tells it.
 *
 * <p>Errors: {@link IOException} whose message lists every mistake with its place.
 */
final class GivenMesh {
    private GivenMesh() {}

    static LocalConfig read(AgentConfig config) throws IOException {
        return switch (config.mesh().given()) {
            case null -> LocalConfig.EMPTY;
            case MeshConfig.InFile(var path) -> {
                byte[] bytes;
                try (var in = Files.newInputStream(path)) {
                    bytes = in.readNBytes(LocalConfigParser.BYTES_MAX + 1);
                } catch (IOException e) {
                    throw new IOException(
                            "cannot read " + path + ": " + e.getClass().getSimpleName(), e);
                }
                yield parse(path.toString(), bytes, config);
            }
            case MeshConfig.Inline(var text, var origin) ->
                parse(origin, text.getBytes(StandardCharsets.UTF_8), config);
        };
    }

    private static LocalConfig parse(String name, byte[] bytes, AgentConfig config) throws IOException {
        return switch (LocalConfigParser.parse(name, bytes, config.node().trustDomain())) {
            case LocalConfigParser.Result.Accepted accepted -> accepted.config();
            case LocalConfigParser.Result.Refused refused ->
                throw new IOException(
                        refused.errors().stream().map(MeshFileError::toString).collect(Collectors.joining("\n")));
        };
    }

    /** A snapshot that what a control plane tells is added to; by itself it knows all policies only if nobody tells more. */
    static MeshSnapshot snapshot(AgentConfig config, LocalConfig given) {
        MeshSnapshot.Builder builder =
                MeshSnapshot.empty(config.node().name(), config.node().clusterId()).toBuilder();
        given.workloads().forEach(builder::upsert);
        given.services().forEach(builder::upsert);
        given.policies().forEach(builder::upsert);
        if (config.mesh().source() instanceof MeshConfig.Alone) {
            builder.policiesComplete();
        }
        return builder.build();
    }

    static MeshView view(LocalConfig given) {
        return new MeshView(given.workloads(), given.services(), given.policies());
    }
}
