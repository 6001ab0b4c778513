package io.culvert.control.ca;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * PEM text of keys and certificates, read strictly: nothing but blocks of the labels expected.
 *
 * <p>Bounds: {@link #BLOCKS_MAX} blocks in a text.
 *
 * <p>Source: RFC 7468 section 2 and appendix B.
 */
final class CaPem {
    static final int BLOCKS_MAX = 16;
    private static final String KEY = "PRIVATE KEY";
    private static final String CERTIFICATE = "CERTIFICATE";
    private static final Base64.Encoder BASE64 = Base64.getMimeEncoder(64, new byte[] {'\n'});

    private CaPem() {}

    /** One block: its label and its bytes in base64. */
    private record Block(String label, String base64) {}

    static String text(PrivateKey key, X509Certificate certificate) throws CaException {
        return block(KEY, key.getEncoded()) + text(List.of(certificate));
    }

    static String text(List<X509Certificate> certificates) throws CaException {
        StringBuilder out = new StringBuilder();
        for (X509Certificate certificate : certificates) {
            try {
                out.append(block(CERTIFICATE, certificate.getEncoded()));
            } catch (CertificateEncodingException e) {
                throw new CaException(CaException.Code.CORRUPT, "a certificate cannot be encoded", e);
            }
        }
        return out.toString();
    }

    /** Reads one private key followed by one certificate. */
    static Signer signer(Path file, String text) throws CaException {
        List<Block> blocks = blocks(file, text);
        if (blocks.size() != 2
                || !blocks.get(0).label().equals(KEY)
                || !blocks.get(1).label().equals(CERTIFICATE)) {
            throw corrupt(file, "expected one PRIVATE KEY and one CERTIFICATE, in this order", null);
        }
        byte[] pkcs8 = decode(file, blocks.get(0).base64());
        try {
            PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            return new Signer(key, certificate(file, decode(file, blocks.get(1).base64())));
        } catch (GeneralSecurityException e) {
            throw corrupt(file, "the private key is not an elliptic-curve key in PKCS #8", e);
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
        }
    }

    /** Reads one or more certificates. */
    static List<X509Certificate> certificates(Path file, String text) throws CaException {
        List<X509Certificate> certificates = new ArrayList<>();
        for (Block block : blocks(file, text)) {
            if (!block.label().equals(CERTIFICATE)) {
                throw corrupt(file, "expected only CERTIFICATE blocks", null);
            }
            certificates.add(certificate(file, decode(file, block.base64())));
        }
        return certificates;
    }

    /** Encodings that another certificate library made, as a certificate of this JDK. */
    static X509Certificate certificate(byte[] der) throws CertificateException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    }

    private static X509Certificate certificate(Path file, byte[] der) throws CaException {
        try {
            return certificate(der);
        } catch (CertificateException e) {
            throw corrupt(file, "a certificate cannot be read", e);
        }
    }

    private static List<Block> blocks(Path file, String text) throws CaException {
        List<Block> blocks = new ArrayList<>();
        List<String> lines =
                text.lines().map(String::strip).filter(l -> !l.isEmpty()).toList();
        int at = 0;
        while (at < lines.size()) {
            String label = label(file, lines.get(at));
            int end = lines.subList(at, lines.size()).indexOf("-----END " + label + "-----");
            if (end < 0 || blocks.size() == BLOCKS_MAX) {
                throw corrupt(file, end < 0 ? "a PEM block has no end" : "more than " + BLOCKS_MAX + " blocks", null);
            }
            blocks.add(new Block(label, String.join("", lines.subList(at + 1, at + end))));
            at += end + 1;
        }
        if (blocks.isEmpty()) {
            throw corrupt(file, "it holds no PEM block", null);
        }
        return blocks;
    }

    private static String label(Path file, String line) throws CaException {
        if (line.equals("-----BEGIN " + KEY + "-----")) {
            return KEY;
        }
        if (line.equals("-----BEGIN " + CERTIFICATE + "-----")) {
            return CERTIFICATE;
        }
        throw corrupt(file, "expected a PEM block of a private key or a certificate", null);
    }

    private static byte[] decode(Path file, String base64) throws CaException {
        try {
            return Base64.getDecoder().decode(base64.getBytes(US_ASCII));
        } catch (IllegalArgumentException e) {
            throw corrupt(file, "a PEM block is not base64", e);
        }
    }

    private static String block(String label, byte[] der) {
        return "-----BEGIN " + label + "-----\n" + BASE64.encodeToString(der) + "\n-----END " + label + "-----\n";
    }

    private static CaException corrupt(Path file, String why, @Nullable Throwable cause) {
        return new CaException(CaException.Code.CORRUPT, file + ": " + why + "; restore the file from a backup", cause);
    }
}
