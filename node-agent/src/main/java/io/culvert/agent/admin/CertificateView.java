package io.culvert.agent.admin;

import io.culvert.agent.telemetry.CertificateState;
import io.culvert.protocol.identity.SpiffeId;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * One workload identity's certificate; its key is never shown.
 *
 * @param identity whose it is
 * @param state what became of it
 * @param problem why it is unavailable, else empty
 * @param chain leaf first, empty without a certificate
 * @param roots what peers are verified with
 */
public record CertificateView(
        SpiffeId identity,
        CertificateState state,
        String problem,
        List<X509Certificate> chain,
        List<X509Certificate> roots) {
    public CertificateView {
        chain = List.copyOf(chain);
        roots = List.copyOf(roots);
    }
}
