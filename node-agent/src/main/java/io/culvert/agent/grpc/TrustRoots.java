package io.culvert.agent.grpc;

import io.culvert.agent.base.Pem;
import io.culvert.agent.base.WatchedFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Whom a server must chain to: the certificates of a file, the system's, or those written into the configuration.
 *
 * <p>Bounds: a file of 4 MiB. Errors: {@link IOException} when there is not one certificate that can be read; single ones
 * that cannot are skipped with a warning.
 */
public final class TrustRoots {
    private static final System.Logger LOG = System.getLogger(TrustRoots.class.getName());
    private static final int BYTES_MAX = 4 << 20;
    private static final String SYSTEM = "SYSTEM";
    private static final List<Path> SYSTEM_FILES = List.of(
            Path.of("/etc/ssl/certs/ca-certificates.crt"),
            Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
            Path.of("/etc/ssl/cert.pem"));

    private sealed interface Place {}

    private record InFile(WatchedFile file) implements Place {}

    private record Inline(String pem) implements Place {}

    private record OfPlatform() implements Place {}

    private final Place place;

    private TrustRoots(Place place) {
        this.place = place;
    }

    /** As configured: a path, {@code SYSTEM}, or certificates in PEM. */
    public static TrustRoots of(String text) {
        if (Pem.isPem(text)) {
            return new TrustRoots(new Inline(text));
        }
        if (!text.equals(SYSTEM)) {
            return new TrustRoots(new InFile(new WatchedFile(Path.of(text), BYTES_MAX)));
        }
        for (Path file : SYSTEM_FILES) {
            if (Files.exists(file)) {
                return new TrustRoots(new InFile(new WatchedFile(file, BYTES_MAX)));
            }
        }
        return new TrustRoots(new OfPlatform());
    }

    /** Changes when the roots may have changed. */
    public String stamp() {
        return place instanceof InFile(var file) ? file.stamp() : "fixed";
    }

    /** Reads them. */
    public List<X509Certificate> load() throws IOException {
        return switch (place) {
            case InFile(var file) -> parse(read(file), file.path().toString());
            case Inline(var pem) -> parse(pem, "the configuration");
            case OfPlatform ofPlatform -> platform();
        };
    }

    private static String read(WatchedFile file) throws IOException {
        try {
            return new String(file.read(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IOException(
                    "the root certificates that it must chain to cannot be read: " + e.getMessage()
                            + "; mount them there, or name others by XDS_ROOT_CA and CA_ROOT_CA",
                    e);
        }
    }

    private static List<X509Certificate> parse(String text, String where) throws IOException {
        try {
            List<X509Certificate> roots = certificates(text, where);
            if (roots.isEmpty()) {
                throw new IOException("there is no certificate in " + where);
            }
            return roots;
        } catch (IllegalArgumentException e) {
            throw new IOException("the certificates in " + where + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The certificates of a PEM text; those that cannot be read are skipped with a warning.
     *
     * <p>Errors: {@link IllegalArgumentException} when it is no PEM.
     */
    public static List<X509Certificate> certificates(String text, String where) {
        List<X509Certificate> found = new ArrayList<>();
        for (Pem.Block block : Pem.parse(text)) {
            if (block.label().endsWith("CERTIFICATE")) {
                try {
                    found.add(certificate(block.der()));
                } catch (CertificateException e) {
                    LOG.log(System.Logger.Level.WARNING, () -> "a root in " + where + " is skipped: " + e.getMessage());
                }
            }
        }
        return found;
    }

    /** One certificate. */
    public static X509Certificate certificate(byte[] der) throws CertificateException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    private static List<X509Certificate> platform() throws IOException {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            return Arrays.stream(factory.getTrustManagers())
                    .filter(X509TrustManager.class::isInstance)
                    .flatMap(each -> Arrays.stream(((X509TrustManager) each).getAcceptedIssuers()))
                    .toList();
        } catch (GeneralSecurityException e) {
            throw new IOException("the system's roots cannot be read", e);
        }
    }
}
