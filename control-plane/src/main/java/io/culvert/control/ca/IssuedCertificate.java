package io.culvert.control.ca;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * A workload's certificate and whom to trust from now on.
 *
 * @param chain the workload's certificate first, then intermediates if any, never a root
 * @param roots every root that peers may chain to, at least one
 */
public record IssuedCertificate(List<X509Certificate> chain, List<X509Certificate> roots) {
    public IssuedCertificate {
        chain = List.copyOf(chain);
        roots = List.copyOf(roots);
        if (chain.isEmpty() || roots.isEmpty()) {
            throw new IllegalArgumentException("an issued certificate has a chain and at least one root");
        }
    }

    /** The workload's own certificate. */
    public X509Certificate leaf() {
        return chain.getFirst();
    }
}
