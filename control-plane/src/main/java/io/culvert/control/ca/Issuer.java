package io.culvert.control.ca;

import io.culvert.protocol.identity.SpiffeId;
import java.time.Duration;

/**
 * Issues certificates for workload identities.
 *
 * <p>Runs on: any control thread; it may block on a file or a network. Safe for use by several threads.
 */
public interface Issuer {
    /**
     * Certifies the key of a certificate signing request for one identity.
     *
     * <p>Bounds: a request has at most {@link SigningRequest#LENGTH_MAX} bytes.
     *
     * <p>Errors: {@link CaException} whose code says whether trying again can help.
     *
     * @param id the only identity that the certificate carries
     * @param csrDer a PKCS #10 request in DER, signed by the P-256 key that it names
     * @param ttl how long from now the certificate is to be valid; the issuer's own end may come first
     */
    IssuedCertificate issue(SpiffeId id, byte[] csrDer, Duration ttl) throws CaException;
}
