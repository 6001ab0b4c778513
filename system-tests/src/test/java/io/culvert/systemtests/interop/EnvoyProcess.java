package io.culvert.systemtests.interop;

import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.control.ca.CertificateAuthority;
import io.culvert.control.ca.IssuedCertificate;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * A real Envoy in a namespace, under an identity that the mesh's authority has certified.
 *
 * <p>Owns: the process and its folder; both go on {@link #close}, the process at the latest with the lab.
 */
final class EnvoyProcess implements AutoCloseable {
    private static final Duration START_TIME_MAX = Duration.ofSeconds(30);
    private static final Duration VALID_FOR = Duration.ofHours(1);

    private final LabProcess process;
    private final Path folder;

    private EnvoyProcess(LabProcess process, Path folder) {
        this.process = process;
        this.folder = folder;
    }

    /**
     * Starts one and waits until it serves.
     *
     * @param template a file beside this class, in which each {@code @NAME@} is replaced
     */
    static EnvoyProcess start(MeshLab lab, Netns ns, String template, Map<String, String> values) {
        try {
            Path folder = Files.createTempDirectory("envoy");
            certify(lab, MeshYaml.idOf(ns.name()), folder);
            String config = read(template)
                    .replace("@CERT@", folder.resolve("cert.pem").toString())
                    .replace("@KEY@", folder.resolve("key.pem").toString())
                    .replace("@ROOT@", folder.resolve("root.pem").toString());
            for (Map.Entry<String, String> value : values.entrySet()) {
                config = config.replace("@" + value.getKey() + "@", value.getValue());
            }
            Path file = Files.writeString(folder.resolve("envoy.yaml"), config);
            LabProcess process = lab.net()
                    .spawn(
                            ns,
                            List.of(
                                    program(),
                                    "--config-path",
                                    file.toString(),
                                    "--concurrency",
                                    "1",
                                    "--disable-hot-restart",
                                    "--log-level",
                                    "warning"));
            EnvoyProcess envoy = new EnvoyProcess(process, folder);
            Eventually.holds(
                    "Envoy serves: " + process,
                    START_TIME_MAX,
                    () -> lab.net()
                                    .exec(ns, "curl", "--silent", "--fail", "http://127.0.0.1:15000/ready")
                                    .exit()
                            == 0);
            return envoy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String program() {
        return Objects.requireNonNull(
                System.getProperty("culvert.envoy"),
                "culvert.envoy is not set: run these tests by `make test-interop`");
    }

    private static String read(String template) throws IOException {
        try (InputStream in = Objects.requireNonNull(EnvoyProcess.class.getResourceAsStream(template), template)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void certify(MeshLab lab, String id, Path folder) throws IOException {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair key = generator.generateKeyPair();
            byte[] csr = new JcaPKCS10CertificationRequestBuilder(new X500Name(""), key.getPublic())
                    .build(new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate()))
                    .getEncoded();
            InstantSource clock = InstantSource.system();
            CaDirectory directory = CaDirectory.open(lab.caFolder(), clock, new SecureRandom());
            IssuedCertificate issued = new CertificateAuthority(
                            directory, CertificateAuthority.Lifetimes.DEFAULT, clock, new SecureRandom())
                    .issue(SpiffeId.parse(id), csr, VALID_FOR);
            Files.writeString(folder.resolve("cert.pem"), pem(issued.chain()));
            Files.writeString(folder.resolve("root.pem"), pem(issued.roots()));
            Files.writeString(
                    folder.resolve("key.pem"),
                    pem("PRIVATE KEY", key.getPrivate().getEncoded()));
        } catch (GeneralSecurityException | OperatorCreationException | CaException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(List<X509Certificate> certificates) throws GeneralSecurityException {
        StringBuilder all = new StringBuilder();
        for (X509Certificate certificate : certificates) {
            all.append(pem("CERTIFICATE", certificate.getEncoded()));
        }
        return all.toString();
    }

    private static String pem(String label, byte[] der) {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
    }

    /** Waits until it tells, from the first line on, of a tunnel stream's end that is like this. */
    void awaitTunnel(String pattern) {
        process.awaitLine("tunnel .*" + pattern, Duration.ofSeconds(10));
    }

    @Override
    public String toString() {
        return process.toString();
    }

    @Override
    public void close() {
        process.close();
        for (String name : List.of("cert.pem", "key.pem", "root.pem", "envoy.yaml")) {
            delete(folder.resolve(name));
        }
        delete(folder);
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
