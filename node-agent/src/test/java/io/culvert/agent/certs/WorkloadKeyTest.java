package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import java.security.interfaces.ECPrivateKey;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.junit.jupiter.api.Test;

class WorkloadKeyTest {
    private static final SpiffeId ID = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/self");

    @Test
    void asksForExactlyOneCriticalUri_withoutSubject_signedByItsKey() throws Exception {
        JcaPKCS10CertificationRequest request =
                new JcaPKCS10CertificationRequest(WorkloadKey.generate(ID).csr());
        assertEquals("", request.getSubject().toString());
        assertTrue(request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(request.getPublicKey())));
        Attribute[] attributes = request.getAttributes();
        assertEquals(1, attributes.length);
        assertEquals(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, attributes[0].getAttrType());
        Extensions extensions =
                Extensions.getInstance(attributes[0].getAttrValues().getObjectAt(0));
        assertEquals(1, extensions.getExtensionOIDs().length);
        Extension names = extensions.getExtension(Extension.subjectAlternativeName);
        assertTrue(names.isCritical());
        GeneralName[] uris = GeneralNames.getInstance(names.getParsedValue()).getNames();
        assertEquals(1, uris.length);
        assertEquals(GeneralName.uniformResourceIdentifier, uris[0].getTagNo());
        assertEquals(ID.uri(), uris[0].getName().toString());
    }

    @Test
    void makesANewP256KeyEachTime() throws Exception {
        ECPrivateKey first = (ECPrivateKey) WorkloadKey.generate(ID).privateKey();
        ECPrivateKey second = (ECPrivateKey) WorkloadKey.generate(ID).privateKey();
        assertEquals(256, first.getParams().getOrder().bitLength());
        assertNotEquals(first.getS(), second.getS());
    }
}
