package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one identity's certificate.
 *
 * @param id the identity
 * @param material what is in force, null when nothing is
 * @param problem why the last attempt failed, null when it did not
 */
public record CertificateStatus(
        SpiffeId id,
        @Nullable TlsMaterial material,
        @Nullable String problem) {}
