package io.culvert.agent.ca;

import io.culvert.agent.base.Pem;
import io.culvert.agent.certs.CaClient.IssueException;
import io.culvert.agent.certs.CaClient.Issued;
import io.culvert.agent.grpc.TrustRoots;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what an authority answers: the leaf, then intermediates, one to a text, and last the roots, any number in one text.
 *
 * <p>Bounds: {@link #TEXTS_MAX} texts, {@link #ROOTS_MAX} roots. Errors: {@link IssueException} unless there is a leaf for the
 * key that asked, every intermediate can be read, and so can at least one root.
 */
final class IssuedChain {
    private static final int TEXTS_MAX = 8;
    private static final int ROOTS_MAX = 64;
    private static final String WHERE = "the authority's answer";

    private IssuedChain() {}

    static Issued read(List<String> texts, PublicKey key) throws IssueException {
        if (texts.size() < 2 || texts.size() > TEXTS_MAX) {
            throw bad("is a chain of " + texts.size() + " texts, not a leaf, intermediates and roots");
        }
        try {
            List<X509Certificate> chain = new ArrayList<>();
            for (String text : texts.subList(0, texts.size() - 1)) {
                chain.add(first(text));
            }
            if (!Arrays.equals(chain.getFirst().getPublicKey().getEncoded(), key.getEncoded())) {
                throw bad("is a certificate for another key than ours");
            }
            List<X509Certificate> roots = TrustRoots.certificates(texts.getLast(), WHERE);
            if (roots.isEmpty() || roots.size() > ROOTS_MAX) {
                throw bad("has " + roots.size() + " roots that can be read");
            }
            return new Issued(chain, roots);
        } catch (CertificateException | IllegalArgumentException e) {
            throw bad("cannot be read: " + e.getMessage());
        }
    }

    private static X509Certificate first(String text) throws CertificateException, IssueException {
        List<Pem.Block> blocks = Pem.parse(text);
        if (blocks.isEmpty()) {
            throw bad("has a text without certificate");
        }
        return TrustRoots.certificate(blocks.getFirst().der());
    }

    private static IssueException bad(String what) {
        return new IssueException(IssueException.Kind.BAD_ANSWER, WHERE + " " + what);
    }
}
