package io.culvert.systemtests.badinput;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** A certificate authority that signs whatever it is asked to, however wrong. */
public final class TestCa {
    /** Lenient: it reads names that the platform's own parser refuses. */
    private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

    static final int EMAIL = 1;
    static final int DNS = 2;
    static final int URI = 6;

    private final PrivateKey key;
    private final X509Certificate root;

    private TestCa(PrivateKey key, X509Certificate root) {
        this.key = key;
        this.root = root;
    }

    /** A key with the chain that speaks for it, leaf first. */
    public record Identity(PrivateKey key, List<X509Certificate> chain) {
        public Identity {
            chain = List.copyOf(chain);
        }
    }

    /** The mesh's own authority. */
    static TestCa ofDirectory(Path dir) {
        try {
            String pem = Files.readString(dir.resolve("signer.pem"));
            KeyFactory factory = KeyFactory.getInstance("EC");
            PrivateKey key = factory.generatePrivate(new PKCS8EncodedKeySpec(der(pem, "PRIVATE KEY")));
            return new TestCa(key, certificate(new X509CertificateHolder(der(pem, "CERTIFICATE"))));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] der(String pem, String label) {
        Matcher block = Pattern.compile("-----BEGIN " + label + "-----(.*?)-----END", Pattern.DOTALL)
                .matcher(pem);
        if (!block.find()) {
            throw new IllegalStateException("no " + label);
        }
        return Base64.getMimeDecoder().decode(block.group(1));
    }

    /** Another authority, which may call itself like an existing one. */
    static TestCa fresh(@Nullable TestCa namesake) {
        X500Name name = namesake == null ? new X500Name("CN=nobody's root") : namesake.name();
        KeyPair pair = keys("EC");
        Leaf self = new Leaf(pair.getPrivate(), name).ca(true).key(pair).subject(name);
        return new TestCa(pair.getPrivate(), self.sign());
    }

    private X500Name name() {
        return X500Name.getInstance(root.getSubjectX500Principal().getEncoded());
    }

    /** Its revocation list, PEM. */
    String revoked(BigInteger... serials) {
        try {
            X509v2CRLBuilder list = new X509v2CRLBuilder(name(), Date.from(Instant.now()));
            for (BigInteger serial : serials) {
                list.addCRLEntry(serial, Date.from(Instant.now()), 0);
            }
            byte[] der = list.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key))
                    .getEncoded();
            return "-----BEGIN X509 CRL-----\n"
                    + Base64.getMimeEncoder().encodeToString(der)
                    + "\n-----END X509 CRL-----\n";
        } catch (IOException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    X509Certificate root() {
        return root;
    }

    /** The authority's own certificate and key, presented as if it were a workload. */
    Identity itself() {
        return new Identity(key, List.of(root));
    }

    static KeyPair keys(String kind) {
        try {
            String[] parts = kind.split(":", 2);
            KeyPairGenerator generator = KeyPairGenerator.getInstance(parts[0]);
            if (parts[0].equals("EC")) {
                generator.initialize(new ECGenParameterSpec(parts.length == 1 ? "secp256r1" : parts[1]));
            } else if (parts.length > 1) {
                generator.initialize(Integer.parseInt(parts[1]));
            }
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A good identity of this id. */
    Identity identity(String uri) {
        return leaf().san(URI, uri).identity();
    }

    /** A certificate to be spoilt. */
    Leaf leaf() {
        return new Leaf(key, name());
    }

    private static X509Certificate signed(X509v3CertificateBuilder builder, PrivateKey by, String algorithm) {
        try {
            return certificate(builder.build(new JcaContentSignerBuilder(algorithm).build(by)));
        } catch (OperatorCreationException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static X509Certificate certificate(X509CertificateHolder holder) throws GeneralSecurityException {
        return new JcaX509CertificateConverter().setProvider(PROVIDER).getCertificate(holder);
    }

    /** One certificate in the making; what is not said is as it should be. */
    static final class Leaf {
        private final PrivateKey issuerKey;
        private final X500Name issuer;
        private final List<ASN1Encodable> names = new ArrayList<>();
        private KeyPair pair = keys("EC");
        private X500Name subject = new X500Name("");
        private Instant from = Instant.now().minus(Duration.ofHours(1));
        private Instant to = Instant.now().plus(Duration.ofHours(1));
        private boolean ca;
        private @Nullable KeyUsage usage = new KeyUsage(KeyUsage.digitalSignature);
        private KeyPurposeId @Nullable [] purposes = {KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth};
        private List<X509Certificate> above = List.of();

        private Leaf(PrivateKey issuerKey, X500Name issuer) {
            this.issuerKey = issuerKey;
            this.issuer = issuer;
        }

        Leaf san(int tag, String text) {
            names.add(new DERTaggedObject(false, tag, new DEROctetString(H2.ascii(text))));
            return this;
        }

        Leaf key(KeyPair other) {
            pair = other;
            return this;
        }

        Leaf subject(X500Name name) {
            subject = name;
            return this;
        }

        Leaf valid(Instant since, Instant until) {
            from = since;
            to = until;
            return this;
        }

        Leaf ca(boolean authority) {
            ca = authority;
            usage = new KeyUsage(KeyUsage.keyCertSign | KeyUsage.digitalSignature);
            return this;
        }

        Leaf usage(int bits) {
            usage = new KeyUsage(bits);
            return this;
        }

        Leaf purposes(KeyPurposeId... only) {
            purposes = only;
            return this;
        }

        Leaf above(List<X509Certificate> chain) {
            above = chain;
            return this;
        }

        Identity identity() {
            List<X509Certificate> chain = new ArrayList<>(List.of(sign()));
            chain.addAll(above);
            return new Identity(pair.getPrivate(), chain);
        }

        /** Signs others, whether or not it may. */
        TestCa asAuthority() {
            return new TestCa(
                    pair.getPrivate(), subject(new X500Name("CN=a workload")).sign());
        }

        X509Certificate sign() {
            try {
                X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                        issuer,
                        new BigInteger(64, ThreadLocalRandom.current()).add(BigInteger.ONE),
                        Date.from(from),
                        Date.from(to),
                        subject,
                        SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()));
                extensions(builder);
                return signed(builder, issuerKey, "SHA256withECDSA");
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        private void extensions(X509v3CertificateBuilder builder) throws IOException {
            if (!names.isEmpty()) {
                builder.addExtension(
                        Extension.subjectAlternativeName, true, new DERSequence(names.toArray(ASN1Encodable[]::new)));
            }
            if (usage != null) {
                builder.addExtension(Extension.keyUsage, true, usage);
            }
            if (purposes != null && !ca) {
                builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
            }
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(ca));
        }
    }
}
