package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.control.file.yaml.Problems;
import io.culvert.control.file.yaml.YamlNode;
import io.culvert.control.file.yaml.YamlPath;
import io.culvert.control.file.yaml.YamlReader;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.policy.Policy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the text of a {@code mesh.yaml} into checked records, or into a list of all its mistakes.
 *
 * <p>Runs on: any.
 *
 * <p>Bounds: {@link #BYTES_MAX} bytes, {@link #ERRORS_MAX} errors listed, and those of {@link YamlReader}.
 *
 * <p>Errors: it never throws for anything that a file may hold.
 *
 * <p>Source: docs/mesh-yaml.md.
 */
public final class MeshFileParser {
    public static final int BYTES_MAX = 8 * 1024 * 1024;
    public static final int ERRORS_MAX = Problems.LISTED_MAX;

    private static final String OTHER_AUTHORITY = "give the agents another certificate authority";

    private final Problems problems = new Problems();
    private final MeshFile.Settings byDefault;
    private final @Nullable TrustDomain certified;

    private MeshFileParser(MeshFile.Settings byDefault, @Nullable TrustDomain certified) {
        this.byDefault = byDefault;
        this.certified = certified;
    }

    /** What reading came to. */
    public sealed interface Result {
        /** The file is right. */
        record Accepted(MeshFile mesh) implements Result {}

        /** The file is wrong, in these ways. */
        record Refused(List<MeshFileError> errors) implements Result {
            public Refused {
                errors = List.copyOf(errors);
            }
        }
    }

    /** Reads a file's bytes; what its section {@code mesh} leaves open is as usual, and any trust domain will do. */
    public static Result parse(String file, byte[] bytes) {
        return parse(file, bytes, MeshFile.Settings.DEFAULT, null);
    }

    /**
     * Reads a file's bytes.
     *
     * @param file what messages call the file
     * @param byDefault what its section {@code mesh} leaves open
     * @param certified the trust domain that the mesh and its captured pods must be of, since no certificate can be had for
     *     another; null where any will do
     */
    public static Result parse(
            String file, byte[] bytes, MeshFile.Settings byDefault, @Nullable TrustDomain certified) {
        MeshFileParser parser = new MeshFileParser(byDefault, certified);
        MeshFile mesh = parser.parse(bytes);
        List<MeshFileError> errors = parser.problems.list().stream()
                .map(p -> new MeshFileError(
                        file, p.position().line(), p.position().column(), p.path(), p.reason(), p.fix()))
                .toList();
        return mesh != null && errors.isEmpty() ? new Result.Accepted(mesh) : new Result.Refused(errors);
    }

    private @Nullable MeshFile parse(byte[] bytes) {
        String text = YamlReader.decode(bytes, BYTES_MAX, problems);
        YamlNode node = text == null ? null : YamlReader.read(text, problems);
        if (node == null) {
            if (problems.isEmpty()) {
                wholeFile("the file is empty", "describe the mesh, or write 'workloads: []' for an empty one");
            }
            return null;
        }
        Fields root = new Field(node, YamlPath.ROOT, problems).fields();
        if (root == null) {
            return null;
        }
        if (root.isEmpty() && problems.isEmpty()) {
            wholeFile("the file describes nothing", "write 'workloads: []' for an empty mesh");
        }
        return mesh(root);
    }

    private MeshFile mesh(Fields root) {
        Fields described = root.section("mesh");
        MeshFile.Settings settings = settings(described);
        boolean certifiable = requireCertified(described, settings);
        GatewaySection gateways = new GatewaySection();
        List<WorkloadDraft> drafts = new WorkloadSection(settings, gateways).read(root);
        if (certifiable) {
            drafts.forEach(this::requireCertified);
        }
        MeshIndex index = new MeshIndex(drafts);
        List<ServiceSection.Described> services = new ServiceSection(settings, gateways, index).read(root);
        List<Policy> policies = new ArrayList<>(new PolicySection(settings, index).read(root));
        policies.addAll(new PeerAuthenticationSection(settings, index).read(root));
        root.finish();
        gateways.check(index);
        UniqueChecks unique = new UniqueChecks();
        unique.workloads(drafts);
        unique.services(services);
        return new MeshFile(
                settings,
                drafts.stream().map(WorkloadDraft::build).toList(),
                services.stream().map(ServiceSection.Described::service).toList(),
                policies,
                pods(drafts));
    }

    private MeshFile.Settings settings(@Nullable Fields mesh) {
        if (mesh == null) {
            return byDefault;
        }
        MeshFile.Settings settings = new MeshFile.Settings(
                mesh.parsed(
                        "trustDomain",
                        TrustDomain::new,
                        "use letters, digits, '.', '-' and '_'",
                        byDefault.trustDomain()),
                mesh.text("network", byDefault.network()),
                mesh.text("clusterId", byDefault.clusterId()),
                mesh.parsed("rootNamespace", Names::label, Names.LABEL_FIX, byDefault.rootNamespace()));
        mesh.finish();
        return settings;
    }

    /** Whether the mesh is of the trust domain that certificates are of; what is wrong is blamed on whoever says so. */
    private boolean requireCertified(@Nullable Fields mesh, MeshFile.Settings settings) {
        TrustDomain wanted = certified;
        if (wanted == null || settings.trustDomain().equals(wanted)) {
            return true;
        }
        Field said = mesh == null ? null : mesh.field("trustDomain");
        if (said == null) {
            wholeFile(
                    "it names no trust domain and the default is " + settings.trustDomain() + ", but "
                            + onlyFor(wanted),
                    "write 'mesh: {trustDomain: " + wanted + "}', or " + OTHER_AUTHORITY);
        } else if (said.node() instanceof YamlNode.Scalar scalar
                && scalar.text().equals(settings.trustDomain().name())) {
            said.wrong(onlyFor(wanted), "write " + wanted + ", or " + OTHER_AUTHORITY);
        }
        return false;
    }

    /** Pods that others capture, or nobody, are as they may be; a captured pod needs a certificate. */
    private void requireCertified(WorkloadDraft draft) {
        TrustDomain wanted = certified;
        if (wanted != null
                && draft.pod() != null
                && !draft.described().trustDomain().equals(wanted)) {
            draft.fields().blame("trustDomain").wrong(onlyFor(wanted), "write " + wanted + ", or remove 'netns'");
        }
    }

    private static String onlyFor(TrustDomain wanted) {
        return "the certificate authority certifies only " + wanted;
    }

    private static List<LocalPod> pods(List<WorkloadDraft> drafts) {
        List<LocalPod> pods = new ArrayList<>();
        for (WorkloadDraft draft : drafts) {
            LocalPod pod = draft.pod();
            if (pod != null) {
                pods.add(pod);
            }
        }
        return pods;
    }

    private void wholeFile(String reason, String fix) {
        problems.add(YamlNode.Position.WHOLE_FILE, YamlPath.ROOT, reason, fix);
    }
}
