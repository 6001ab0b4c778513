package io.culvert.control.local;

import io.culvert.control.file.MeshFileError;
import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Problems;
import io.culvert.control.file.yaml.YamlNode;
import io.culvert.control.file.yaml.YamlPath;
import io.culvert.control.file.yaml.YamlReader;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads YAML or JSON with {@code workloads}, {@code services} and {@code policies} as {@code /config_dump} spells them, or
 * lists all its mistakes.
 *
 * <p>Runs on: any. Bounds: {@link #BYTES_MAX} bytes and those of {@link YamlReader}.
 *
 * <p>Errors: it never throws for anything that a text may hold.
 *
 * <p>Source: the schema of {@code LOCAL_XDS}; what is absent is as a dump leaves it out.
 */
public final class LocalConfigParser {
    public static final int BYTES_MAX = 8 * 1024 * 1024;

    private LocalConfigParser() {}

    /** What reading came to. */
    public sealed interface Result {
        /** The text is right. */
        record Accepted(LocalConfig config) implements Result {}

        /** The text is wrong, in these ways. */
        record Refused(List<MeshFileError> errors) implements Result {
            public Refused {
                errors = List.copyOf(errors);
            }
        }
    }

    /**
     * Reads a text.
     *
     * @param name what messages call it
     * @param bytes UTF-8
     * @param trustDomain of workloads that name none
     */
    public static Result parse(String name, byte[] bytes, TrustDomain trustDomain) {
        Problems problems = new Problems();
        LocalConfig config = parse(bytes, trustDomain, problems);
        List<MeshFileError> errors = problems.list().stream()
                .map(problem -> new MeshFileError(
                        name,
                        problem.position().line(),
                        problem.position().column(),
                        problem.path(),
                        problem.reason(),
                        problem.fix()))
                .toList();
        return config != null && errors.isEmpty() ? new Result.Accepted(config) : new Result.Refused(errors);
    }

    private static @Nullable LocalConfig parse(byte[] bytes, TrustDomain trustDomain, Problems problems) {
        String text = YamlReader.decode(bytes, BYTES_MAX, problems);
        YamlNode node = text == null ? null : YamlReader.read(text, problems);
        if (node == null) {
            if (problems.isEmpty()) {
                problems.add(
                        YamlNode.Position.WHOLE_FILE,
                        YamlPath.ROOT,
                        "it is empty",
                        "describe something, or write 'workloads: []'");
            }
            return null;
        }
        Fields root = new Field(node, YamlPath.ROOT, problems).fields();
        return root == null ? null : read(root, trustDomain);
    }

    private static LocalConfig read(Fields root, TrustDomain trustDomain) {
        LocalServices services = new LocalServices();
        List<Service> allServices = services.read(root);
        List<Workload> workloads = new LocalWorkloads(trustDomain, services).read(root);
        services.finish();
        List<Policy> policies = new LocalPolicies().read(root);
        root.finish();
        return new LocalConfig(workloads, allServices, policies);
    }
}
