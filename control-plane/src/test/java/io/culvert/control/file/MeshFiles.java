package io.culvert.control.file;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Texts of mesh.yaml for tests, and short ways to read them. */
final class MeshFiles {
    private static final Pattern FENCE = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);

    private MeshFiles() {}

    /** The full example of the documentation. */
    static String documented() {
        Matcher fence = FENCE.matcher(documentation());
        if (!fence.find()) {
            throw new AssertionError("docs/mesh-yaml.md has no example");
        }
        return fence.group(1);
    }

    static String documentation() {
        try {
            return Files.readString(Path.of(System.getProperty("culvert.root", ".."), "docs/mesh-yaml.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static MeshFile accepted(String yaml) {
        return switch (MeshFileParser.parse("mesh.yaml", yaml.getBytes(UTF_8))) {
            case MeshFileParser.Result.Accepted accepted -> accepted.mesh();
            case MeshFileParser.Result.Refused refused -> throw new AssertionError(lines(refused.errors()));
        };
    }

    static List<MeshFileError> refused(byte[] bytes) {
        return switch (MeshFileParser.parse("mesh.yaml", bytes)) {
            case MeshFileParser.Result.Accepted accepted -> throw new AssertionError("accepted: " + accepted.mesh());
            case MeshFileParser.Result.Refused refused -> refused.errors();
        };
    }

    static List<MeshFileError> refused(String yaml) {
        return refused(yaml.getBytes(UTF_8));
    }

    static String lines(List<MeshFileError> errors) {
        return String.join("\n", errors.stream().map(MeshFileError::toString).toList());
    }
}
