package io.culvert.agent.certs;

import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.cert.CRLException;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLException;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/** An authority that signs whatever it is asked to, right or wrong. */
public final class TestCa {
    public static final Instant EPOCH = Instant.parse("2030-01-02T03:04:05Z");
    private static final AtomicLong SERIAL = new AtomicLong(1);

    private final KeyPair keys;
    private final X500Name name;
    private final List<X509Certificate> chain;

    private TestCa(KeyPair keys, X500Name name, List<X509Certificate> chain) {
        this.keys = keys;
        this.name = name;
        this.chain = chain;
    }

    /** A root. */
    public static TestCa root(String commonName) {
        return root(commonName, "secp256r1");
    }

    /** A root with keys of this kind. */
    static TestCa root(String commonName, String kind) {
        KeyPair keys = newKeys(kind);
        X500Name name = new X500Name("CN=" + commonName);
        X509Certificate own = sign(name, keys, name, keys.getPublic(), caSpec());
        return new TestCa(keys, name, List.of(own));
    }

    /** An authority below this one. */
    public TestCa intermediate(String commonName) {
        KeyPair below = newKeys();
        X500Name belowName = new X500Name("CN=" + commonName);
        List<X509Certificate> longer = new ArrayList<>();
        longer.add(sign(name, keys, belowName, below.getPublic(), caSpec()));
        longer.addAll(chain);
        return new TestCa(below, belowName, longer);
    }

    /** Another authority's certificate, by this one: of the same name and key. */
    public X509Certificate crossSign(TestCa other) {
        return sign(name, keys, other.name, other.keys.getPublic(), caSpec());
    }

    /** The same, valid until a day ago. */
    X509Certificate crossSignFormerly(TestCa other) {
        Leaf spec = caSpec();
        spec.until = EPOCH.minus(Duration.ofDays(1));
        return sign(name, keys, other.name, other.keys.getPublic(), spec);
    }

    private static Leaf caSpec() {
        Leaf spec = new Leaf();
        spec.authority = true;
        spec.from = EPOCH.minus(Duration.ofDays(3_650));
        spec.until = EPOCH.plus(Duration.ofDays(3_650));
        return spec;
    }

    public X509Certificate root() {
        return chain.getLast();
    }

    /** What is to be said of a leaf; by default it is a right one without names. */
    public static final class Leaf {
        private final List<GeneralName> names = new ArrayList<>();
        private Instant from = EPOCH.minus(Duration.ofMinutes(1));
        private Instant until = EPOCH.plus(Duration.ofDays(1));
        private boolean authority;
        private @Nullable KeyUsage usage;
        private @Nullable ExtendedKeyUsage purposes;

        /** Adds a URI name. */
        public Leaf uri(String uri) {
            names.add(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
            return this;
        }

        /** Adds a DNS name. */
        public Leaf dns(String dns) {
            names.add(new GeneralName(GeneralName.dNSName, dns));
            return this;
        }

        /** Adds an address. */
        public Leaf ip(String address) {
            names.add(new GeneralName(GeneralName.iPAddress, address));
            return this;
        }

        public Leaf valid(Instant notBefore, Instant notAfter) {
            from = notBefore;
            until = notAfter;
            return this;
        }

        /** Makes it an authority's certificate. */
        public Leaf authority() {
            authority = true;
            return this;
        }

        public Leaf usage(int bits) {
            usage = new KeyUsage(bits);
            return this;
        }

        public Leaf purposes(KeyPurposeId... ids) {
            purposes = new ExtendedKeyUsage(ids);
            return this;
        }
    }

    /** A chain for a key: the leaf, intermediates, no root. */
    public List<X509Certificate> sign(PublicKey key, Leaf leaf) {
        List<X509Certificate> signed = new ArrayList<>();
        // A certificate without any name at all would not be one.
        signed.add(sign(name, keys, new X500Name(leaf.names.isEmpty() ? "CN=leaf" : ""), key, leaf));
        signed.addAll(chain.subList(0, chain.size() - 1));
        return signed;
    }

    /** A revocation list of this authority, as one that has just begun. */
    public X509CRL revoke(X509Certificate... certificates) {
        try {
            X509v2CRLBuilder builder = new X509v2CRLBuilder(name, Date.from(EPOCH.minus(Duration.ofDays(1))));
            builder.setNextUpdate(Date.from(EPOCH.plus(Duration.ofDays(1))));
            for (X509Certificate each : certificates) {
                builder.addCRLEntry(
                        each.getSerialNumber(), Date.from(EPOCH.minus(Duration.ofDays(1))), CRLReason.keyCompromise);
            }
            return new JcaX509CRLConverter()
                    .getCRL(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
        } catch (CRLException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A chain for some key. */
    public List<X509Certificate> sign(Leaf leaf) {
        return sign(newKeys().getPublic(), leaf);
    }

    /** A leaf of this identity. */
    public static Leaf leaf(SpiffeId id) {
        return new Leaf().uri(id.uri());
    }

    /** Answers a request as an authority should. */
    public CaClient.Issued issue(byte[] csr, Leaf leaf) {
        try {
            PublicKey key = new JcaPKCS10CertificationRequest(csr).getPublicKey();
            return new CaClient.Issued(sign(key, leaf), List.of(root()));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** An identity's certificate, valid for a day around {@link #EPOCH}. */
    public TlsMaterial material(SpiffeId id, InstantSource clock) {
        return material(id, leaf(id), clock);
    }

    /** The same, which speaks TLS in this way. */
    public TlsMaterial material(SpiffeId id, TlsProfile profile) {
        return material(id, newKeys(), profile);
    }

    /** The same, of this key. */
    TlsMaterial material(SpiffeId id, KeyPair own, TlsProfile profile) {
        CaClient.Issued issued = new CaClient.Issued(sign(own.getPublic(), leaf(id)), List.of(root()));
        try {
            return TlsMaterial.build(id, own.getPrivate(), issued, () -> EPOCH, CrlStore.none(), profile);
        } catch (GeneralSecurityException | SSLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** The same, whose peers are held against these revocation lists. */
    public TlsMaterial material(SpiffeId id, InstantSource clock, CrlStore crl) {
        try {
            WorkloadKey key = WorkloadKey.generate(id);
            return TlsMaterial.build(id, key.privateKey(), issue(key.csr(), leaf(id)), clock, crl, TlsProfile.STANDARD);
        } catch (GeneralSecurityException | SSLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** The material of a leaf that names this identity. */
    public TlsMaterial material(SpiffeId id, Leaf leaf, InstantSource clock) {
        try {
            WorkloadKey key = WorkloadKey.generate(id);
            return TlsMaterial.build(
                    id, key.privateKey(), issue(key.csr(), leaf), clock, CrlStore.none(), TlsProfile.STANDARD);
        } catch (GeneralSecurityException | SSLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    public static KeyPair newKeys() {
        return newKeys("secp256r1");
    }

    /** Keys of a curve by its name, of RSA by their length in bits, or of another algorithm by its name. */
    static KeyPair newKeys(String kind) {
        try {
            boolean rsa = kind.matches("[0-9]+");
            KeyPairGenerator generator =
                    KeyPairGenerator.getInstance(rsa ? "RSA" : kind.startsWith("secp") ? "EC" : kind);
            if (rsa) {
                generator.initialize(Integer.parseInt(kind));
            } else if (kind.startsWith("secp")) {
                generator.initialize(new ECGenParameterSpec(kind));
            }
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String signature(KeyPair by) {
        return switch (by.getPublic().getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            case "EdDSA" -> "Ed25519";
            default -> throw new IllegalArgumentException(by.getPublic().getAlgorithm());
        };
    }

    private static X509Certificate sign(X500Name issuer, KeyPair by, X500Name subject, PublicKey key, Leaf leaf) {
        try {
            JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    issuer,
                    BigInteger.valueOf(SERIAL.getAndIncrement()),
                    Date.from(leaf.from),
                    Date.from(leaf.until),
                    subject,
                    key);
            extend(builder, leaf);
            return new JcaX509CertificateConverter()
                    .getCertificate(builder.build(new JcaContentSignerBuilder(signature(by)).build(by.getPrivate())));
        } catch (CertIOException | OperatorCreationException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void extend(JcaX509v3CertificateBuilder builder, Leaf leaf) throws CertIOException {
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(leaf.authority));
        if (!leaf.names.isEmpty()) {
            GeneralNames names = new GeneralNames(leaf.names.toArray(GeneralName[]::new));
            builder.addExtension(Extension.subjectAlternativeName, true, names);
        }
        KeyUsage usage = leaf.usage;
        if (usage != null) {
            builder.addExtension(Extension.keyUsage, true, usage);
        }
        ExtendedKeyUsage purposes = leaf.purposes;
        if (purposes != null) {
            builder.addExtension(Extension.extendedKeyUsage, false, purposes);
        }
    }
}
