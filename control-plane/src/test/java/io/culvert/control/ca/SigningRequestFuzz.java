package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.Gen;
import java.security.KeyPair;
import java.util.List;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.junit.jupiter.api.Test;

class SigningRequestFuzz {
    private static final SpiffeId WEB = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web");

    @Test
    void damagedRequestsAreRefusedCleanly_orCertifyTheSameKey() {
        KeyPair key = Requests.key(RootCertificate.CURVE);
        GeneralNames names = new GeneralNames(Requests.uri(WEB.uri()));
        List<byte[]> corpus = List.of(
                Requests.signed(key, request -> {}),
                Requests.signed(key, Requests.extension(Extension.subjectAlternativeName, names)));
        Gen.forAll(5_000, gen -> {
            byte[] damaged = gen.mutate(gen.pick(corpus));
            try {
                assertArrayEquals(
                        key.getPublic().getEncoded(),
                        SigningRequest.keyFor(WEB, damaged).getEncoded());
            } catch (CaException e) {
                // Refused with a reason: that is what is asked for.
                assertFalse(e.getMessage().isEmpty());
            }
        });
    }

    @Test
    void anyBytesAreRefusedCleanly() {
        Gen.forAll(5_000, gen -> {
            byte[] bytes = gen.bytes(SigningRequest.LENGTH_MAX + 1);
            try {
                SigningRequest.keyFor(WEB, bytes);
                throw new AssertionError("random bytes were certified");
            } catch (CaException e) {
                assertFalse(e.getMessage().isEmpty());
            }
        });
    }
}
