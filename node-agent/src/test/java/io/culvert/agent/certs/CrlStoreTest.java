package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.Pem;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.FakeInstantSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrlStoreTest {
    private static final SpiffeId SELF = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/self");
    private static final SpiffeId PEER = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/peer");
    private static final TestCa ROOT = TestCa.root("root");
    private static final TestCa MIDDLE = ROOT.intermediate("middle");

    private final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    private final AtomicInteger told = new AtomicInteger();
    private int writes;

    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve("ca-crl.pem");
    }

    private static String pem(X509CRL... lists) {
        StringBuilder text = new StringBuilder();
        for (X509CRL list : lists) {
            try {
                text.append(Pem.write("X509 CRL", list.getEncoded()));
            } catch (CRLException e) {
                throw new IllegalStateException(e);
            }
        }
        return text.toString();
    }

    /** As those who project files do: a new file is moved over the old. */
    private void write(byte[] content) throws IOException {
        Path next = Files.write(folder.resolve("next-" + writes++), content);
        Files.move(next, file(), StandardCopyOption.REPLACE_EXISTING);
    }

    private void write(String text) throws IOException {
        write(text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    private CrlStore store() {
        CrlStore store = CrlStore.of(file());
        CrlStore.Registration _ = store.onChange(told::incrementAndGet);
        return store;
    }

    private static void settle(CrlStore store) {
        store.look();
        store.look();
    }

    private static X509Certificate[] chain(TestCa by) {
        return by.sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
    }

    private SpiffeVerifier verifier(CrlStore store) {
        return new SpiffeVerifier(SELF, List.of(ROOT.root()), clock, store);
    }

    private static PeerRejectedException.Why why(SpiffeVerifier verifier, X509Certificate[] chain) {
        CertificateException refused =
                assertThrows(CertificateException.class, () -> verifier.checkClientTrusted(chain, "", engine()));
        return assertInstanceOf(PeerRejectedException.class, refused.getCause()).why();
    }

    private static SSLEngine engine() {
        return assertDoesNotThrow(() -> javax.net.ssl.SSLContext.getDefault().createSSLEngine());
    }

    private static void accepts(SpiffeVerifier verifier, X509Certificate[] chain) {
        assertDoesNotThrow(() -> verifier.checkClientTrusted(chain, "", engine()));
    }

    @Test
    void revokesNothing_withoutAFileOrWithAnEmptyOne() throws IOException {
        CrlStore store = store();
        assertTrue(store.current().isEmpty());
        assertNull(store.problem());
        write("");
        settle(store);
        assertTrue(store.current().isEmpty());
        assertNull(store.problem());
        accepts(verifier(store), chain(ROOT));
    }

    @Test
    void refusesARevokedLeaf_alsoOneThatWasAcceptedBefore() throws IOException {
        CrlStore store = store();
        SpiffeVerifier verifier = verifier(store);
        X509Certificate[] revoked = chain(ROOT);
        X509Certificate[] good = chain(ROOT);
        accepts(verifier, revoked);
        write("# comment\n" + pem(ROOT.revoke(revoked[0])));
        settle(store);
        assertEquals(1, told.get());
        assertEquals(1, store.current().revokedCount());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier, revoked));
        accepts(verifier, good);
        write(pem(ROOT.revoke()));
        settle(store);
        assertEquals(2, told.get());
        accepts(verifier, revoked);
    }

    @Test
    void refusesWhatIsBelowARevokedIntermediate() throws IOException {
        X509Certificate[] below = chain(MIDDLE);
        write(pem(ROOT.revoke(below[1])));
        SpiffeVerifier verifier = verifier(store());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier, below));
        accepts(verifier, chain(ROOT));
    }

    @Test
    void refusesALeafThatItsIntermediateRevoked() throws IOException {
        X509Certificate[] below = chain(MIDDLE);
        write(pem(ROOT.revoke(), MIDDLE.revoke(below[0])));
        SpiffeVerifier verifier = verifier(store());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier, below));
        accepts(verifier, chain(MIDDLE));
    }

    /** The way that is taken counts, not all that was sent. */
    @Test
    void looksAtThePathThatIsUsed_andAtNothingElse() throws IOException, CertificateException {
        TestCa other = TestCa.root("other");
        X509Certificate[] below = chain(MIDDLE);
        X509Certificate extra = other.sign(TestCa.leaf(SELF).authority()).getFirst();
        X509Certificate[] more = {below[0], extra, other.crossSign(MIDDLE), below[1]};
        X509Certificate[] byTheOther = {below[0], more[2]};
        write(pem(other.revoke(extra, more[2])));
        CrlStore store = store();
        SpiffeVerifier one = verifier(store);
        accepts(one, more);
        one.requireStillGood(more);
        SpiffeVerifier both = new SpiffeVerifier(SELF, List.of(ROOT.root(), other.root()), clock, store);
        accepts(both, more);
        assertEquals(PeerRejectedException.Why.REVOKED, why(both, byTheOther));
        write(pem(ROOT.revoke(below[1])));
        settle(store);
        assertEquals(PeerRejectedException.Why.REVOKED, why(one, more));
        PeerRejectedException late = assertThrows(PeerRejectedException.class, () -> one.requireStillGood(more));
        assertEquals(PeerRejectedException.Why.REVOKED, late.why());
        accepts(both, more);
        both.requireStillGood(more);
        write(pem(ROOT.revoke(below[1]), MIDDLE.revoke(below[0])));
        settle(store);
        assertEquals(PeerRejectedException.Why.REVOKED, why(both, more));
    }

    @Test
    void anAuthorityOfOldDoesNotStandInForOneThatIsRevoked() throws IOException, CertificateException {
        TestCa.Leaf early = TestCa.leaf(PEER)
                .valid(
                        TestCa.EPOCH.minus(java.time.Duration.ofDays(30)),
                        TestCa.EPOCH.plus(java.time.Duration.ofDays(1)));
        List<X509Certificate> below = MIDDLE.sign(TestCa.newKeys().getPublic(), early);
        X509Certificate[] shown = {below.get(0), below.get(1), ROOT.crossSignFormerly(MIDDLE)};
        write(pem(MIDDLE.revoke()));
        CrlStore store = store();
        SpiffeVerifier verifier = verifier(store);
        accepts(verifier, shown);
        verifier.requireStillGood(shown);
        write(pem(ROOT.revoke(below.get(1))));
        settle(store);
        assertThrows(PeerRejectedException.class, () -> verifier.requireStillGood(shown));
    }

    @Test
    void looksAgainAtWhatWasAccepted_thoughItHasExpiredMeanwhile() throws IOException, CertificateException {
        X509Certificate[] chain = chain(MIDDLE);
        CrlStore store = store();
        SpiffeVerifier verifier = verifier(store);
        accepts(verifier, chain);
        clock.advance(java.time.Duration.ofDays(5));
        write(pem(MIDDLE.revoke(chain(MIDDLE)[0])));
        settle(store);
        verifier.requireStillGood(chain);
        assertEquals(PeerRejectedException.Why.NOT_VALID_NOW, why(verifier, chain));
        write(pem(MIDDLE.revoke(chain[0])));
        settle(store);
        assertThrows(PeerRejectedException.class, () -> verifier.requireStillGood(chain));
    }

    @Test
    void takesNoWord_fromAnotherAuthorityOfTheSameName() throws IOException {
        X509Certificate[] chain = chain(ROOT);
        write(pem(TestCa.root("root").revoke(chain[0])));
        accepts(verifier(store()), chain);
    }

    @Test
    void readsDer() throws Exception {
        X509Certificate[] revoked = chain(ROOT);
        write(ROOT.revoke(revoked[0]).getEncoded());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier(store()), revoked));
    }

    @Test
    void keepsWhatWasInForce_whenAFileIsBroken_andFollowsTheNext() throws IOException {
        X509Certificate[] revoked = chain(ROOT);
        write(pem(ROOT.revoke(revoked[0])));
        CrlStore store = store();
        write("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
        settle(store);
        assertNotNull(store.problem());
        assertEquals(0, told.get());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier(store), revoked));
        write(pem(ROOT.revoke()));
        settle(store);
        assertNull(store.problem());
        accepts(verifier(store), revoked);
    }

    @Test
    void keepsWhatWasInForce_whenTheFileIsGone_andSaysSo_untilThereIsAnother() throws IOException {
        X509Certificate[] revoked = chain(ROOT);
        write(pem(ROOT.revoke(revoked[0])));
        CrlStore store = store();
        Files.delete(file());
        settle(store);
        assertTrue(String.valueOf(store.problem()).contains("it is gone"), store::problem);
        assertEquals(0, told.get());
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier(store), revoked));
        write("");
        settle(store);
        assertNull(store.problem());
        accepts(verifier(store), revoked);
    }

    @Test
    void comesIntoForce_thoughTheFileWasBrokenAtTheStart() throws IOException {
        write("garbage");
        CrlStore store = store();
        assertNotNull(store.problem());
        X509Certificate[] revoked = chain(ROOT);
        write(pem(ROOT.revoke(revoked[0])));
        settle(store);
        assertEquals(PeerRejectedException.Why.REVOKED, why(verifier(store), revoked));
    }

    @Test
    void waitsUntilAFileIsWhole() throws IOException {
        CrlStore store = store();
        write(pem(ROOT.revoke(chain(ROOT)[0])));
        store.look();
        assertEquals(0, told.get());
        store.look();
        assertEquals(1, told.get());
        store.look();
        assertEquals(1, told.get());
    }
}
