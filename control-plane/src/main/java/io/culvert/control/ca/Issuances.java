package io.culvert.control.ca;

import io.culvert.protocol.identity.SpiffeId;
import java.security.cert.X509Certificate;

/** The audit trail of a certificate authority: one line for each certificate issued or refused, without any secret. */
final class Issuances {
    private static final System.Logger LOG = System.getLogger(Issuances.class.getName());

    void issued(SpiffeId id, X509Certificate leaf) {
        LOG.log(
                System.Logger.Level.INFO,
                () -> "certificate issued: id=" + id
                        + " serial=" + leaf.getSerialNumber()
                        + " notBefore=" + leaf.getNotBefore().toInstant()
                        + " notAfter=" + leaf.getNotAfter().toInstant()
                        + " issuer=\"" + leaf.getIssuerX500Principal().getName() + "\"");
    }

    void refused(SpiffeId id, CaException why) {
        LOG.log(
                System.Logger.Level.WARNING,
                () -> "certificate refused: id=" + id + " code=" + why.code() + " reason=\"" + why.getMessage() + "\"");
    }
}
