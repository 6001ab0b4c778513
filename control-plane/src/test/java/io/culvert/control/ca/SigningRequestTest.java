package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.sec.SECNamedCurves;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.junit.jupiter.api.Test;

class SigningRequestTest {
    private static final SpiffeId WEB = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web");
    private static final String CURVE = RootCertificate.CURVE;

    private static void refused(CaException.Code code, byte[] der) {
        CaException e = assertThrows(CaException.class, () -> SigningRequest.keyFor(WEB, der));
        assertEquals(code, e.code(), e.getMessage());
    }

    private static SubjectPublicKeyInfo named(KeyPair key) {
        return SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded());
    }

    private static byte[] overKey(SubjectPublicKeyInfo named) {
        return Requests.signed(named, Requests.key(CURVE).getPrivate(), "SHA256withECDSA", "", request -> {});
    }

    @Test
    void returnsTheKey_withTheNameOrWithoutAny() throws Exception {
        KeyPair key = Requests.key(CURVE);
        byte[] plain = Requests.signed(key, request -> {});
        assertArrayEquals(
                key.getPublic().getEncoded(), SigningRequest.keyFor(WEB, plain).getEncoded());
        GeneralNames names = new GeneralNames(Requests.uri(WEB.uri()));
        byte[] naming = Requests.signed(key, Requests.extension(Extension.subjectAlternativeName, names));
        assertArrayEquals(
                key.getPublic().getEncoded(), SigningRequest.keyFor(WEB, naming).getEncoded());
    }

    @Test
    void refusesEveryOtherName() {
        GeneralName ours = Requests.uri(WEB.uri());
        CaException.Code mismatch = CaException.Code.IDENTITY_MISMATCH;
        refused(mismatch, Requests.naming(Requests.uri("spiffe://cluster.local/ns/shop/sa/admin")));
        refused(mismatch, Requests.naming(Requests.uri(WEB.uri() + "\0")));
        refused(mismatch, Requests.naming(Requests.uri(WEB.uri() + "/")));
        refused(mismatch, Requests.naming(Requests.uri("SPIFFE" + WEB.uri().substring(6))));
        refused(mismatch, Requests.naming(ours, ours));
        refused(mismatch, Requests.naming(ours, new GeneralName(GeneralName.dNSName, "web")));
        refused(mismatch, Requests.naming(new GeneralName(GeneralName.dNSName, WEB.uri())));
        refused(mismatch, Requests.naming(new GeneralName(GeneralName.rfc822Name, WEB.uri())));
    }

    @Test
    void refusesToGrantAnythingElse() {
        KeyPair key = Requests.key(CURVE);
        CaException.Code bad = CaException.Code.BAD_REQUEST;
        refused(bad, Requests.signed(key, Requests.extension(Extension.basicConstraints, new BasicConstraints(true))));
        refused(
                bad,
                Requests.signed(
                        key,
                        request -> request.addAttribute(
                                PKCSObjectIdentifiers.pkcs_9_at_challengePassword, new DERPrintableString("secret"))));
        refused(bad, Requests.signed(key, request -> {
            GeneralNames names = new GeneralNames(Requests.uri(WEB.uri()));
            Requests.extension(Extension.subjectAlternativeName, names).on(request);
            Requests.extension(Extension.subjectAlternativeName, names).on(request);
        }));
        refused(bad, Requests.signed(named(key), key.getPrivate(), "SHA256withECDSA", "CN=root", request -> {}));
    }

    @Test
    void refusesEveryKeyButP256() throws Exception {
        CaException.Code key = CaException.Code.KEY_NOT_ALLOWED;
        refused(key, Requests.signed(Requests.key("secp384r1"), request -> {}));
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        refused(key, Requests.signed(rsa.generateKeyPair(), request -> {}));
        KeyPair good = Requests.key(CURVE);
        AlgorithmIdentifier explicit = new AlgorithmIdentifier(
                X9ObjectIdentifiers.id_ecPublicKey, SECNamedCurves.getByOID(SECObjectIdentifiers.secp256r1));
        byte[] point = named(good).getPublicKeyData().getOctets();
        refused(key, overKey(new SubjectPublicKeyInfo(explicit, point)));
        AlgorithmIdentifier p256 = named(good).getAlgorithm();
        byte[] offCurve = point.clone();
        offCurve[64] ^= 1;
        refused(key, overKey(new SubjectPublicKeyInfo(p256, offCurve)));
        refused(key, overKey(new SubjectPublicKeyInfo(p256, new byte[] {0})));
        byte[] compressed = Arrays.copyOf(point, 33);
        compressed[0] = (byte) (2 + (point[64] & 1));
        refused(key, overKey(new SubjectPublicKeyInfo(p256, compressed)));
    }

    @Test
    void refusesAKeyWhoseOwnerDidNotSign() {
        CaException.Code proof = CaException.Code.NO_PROOF_OF_POSSESSION;
        refused(proof, overKey(named(Requests.key(CURVE))));
        KeyPair key = Requests.key(CURVE);
        refused(proof, Requests.signed(named(key), key.getPrivate(), "SHA1withECDSA", "", request -> {}));
        byte[] signed = Requests.signed(key, request -> {});
        signed[signed.length - 1] ^= 1;
        refused(proof, signed);
    }

    @Test
    void refusesWhatIsTooLongTooDeepOrNoRequest() {
        CaException.Code bad = CaException.Code.BAD_REQUEST;
        byte[] good = Requests.plain();
        refused(bad, new byte[0]);
        refused(bad, Arrays.copyOf(good, good.length - 1));
        refused(bad, Arrays.copyOf(good, good.length + 1));
        refused(bad, new byte[SigningRequest.LENGTH_MAX + 1]);
        byte[] indefinite = new byte[SigningRequest.LENGTH_MAX];
        for (int i = 0; i < indefinite.length; i += 2) {
            indefinite[i] = 0x30;
            indefinite[i + 1] = (byte) 0x80;
        }
        refused(bad, indefinite);
        refused(bad, nested(DerDepth.DEPTH_MAX + 1));
        refused(bad, nested(3));
    }

    /** So many sequences in one another. */
    private static byte[] nested(int depth) {
        byte[] out = new byte[2 * depth];
        for (int i = 0; i < depth; i++) {
            out[2 * i] = 0x30;
            out[2 * i + 1] = (byte) (2 * (depth - i - 1));
        }
        return out;
    }
}
