package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/**
 * Has a certificate request signed.
 *
 * <p>Runs on: a control thread; may block.
 */
public interface CaClient {
    /**
     * Asks for a certificate.
     *
     * @param csr the request, PKCS #10 in DER
     * @param lifetime the validity wished for
     */
    Issued issue(SpiffeId id, byte[] csr, Duration lifetime) throws IssueException;

    /**
     * What the authority answered.
     *
     * @param chain the leaf, then intermediates, no root
     * @param roots whom peers of this identity must chain to
     */
    record Issued(List<X509Certificate> chain, List<X509Certificate> roots) {
        public Issued {
            chain = List.copyOf(chain);
            roots = List.copyOf(roots);
            if (chain.isEmpty() || roots.isEmpty()) {
                throw new IllegalArgumentException("an authority answers with a leaf and at least one root");
            }
        }
    }

    /** No certificate was issued. */
    final class IssueException extends Exception {
        private static final long serialVersionUID = 1;

        /** Whose fault it is. */
        public enum Kind {
            /** The authority could not be asked, or could not answer now; as soon as it answers anybody, it is worth a try. */
            UNREACHABLE,
            /** The authority refused this request; it may think otherwise later. */
            REFUSED,
            /** What it answered is of no use. */
            BAD_ANSWER
        }

        private final Kind kind;

        public IssueException(Kind kind, String message, Throwable cause) {
            super(message, cause);
            this.kind = kind;
        }

        public IssueException(Kind kind, String message) {
            super(message);
            this.kind = kind;
        }

        public Kind kind() {
            return kind;
        }
    }
}
