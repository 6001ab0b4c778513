package io.culvert.agent;

import io.culvert.agent.certs.CaClient;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.config.MeshConfig;
import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.control.ca.CertificateAuthority;
import io.culvert.control.ca.IssuedCertificate;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;

/**
 * The embedded authority as the agent's: certificates are signed in this process from a directory that the agents of the
 * mesh share.
 *
 * <p>Runs on: control threads.
 */
final class LocalCa implements CaClient {
    private static final System.Logger LOG = System.getLogger(LocalCa.class.getName());

    /** As wide as the setting for them is with a directory. */
    private static final CertificateAuthority.Lifetimes LIFETIMES = new CertificateAuthority.Lifetimes(
            CertificateAuthority.Lifetimes.SHORTEST_MIN, MeshConfig.CaDirectory.TTL_MAX);

    private final CaDirectory directory;
    private final CertificateAuthority authority;

    private LocalCa(CaDirectory directory, CertificateAuthority authority) {
        this.directory = directory;
        this.authority = authority;
    }

    static LocalCa open(Path dir, InstantSource clock) throws CaException {
        SecureRandom random = new SecureRandom();
        CaDirectory directory = CaDirectory.open(dir, clock, random);
        return new LocalCa(directory, new CertificateAuthority(directory, LIFETIMES, clock, random));
    }

    /** Of every certificate that can be had. */
    TrustDomain trustDomain() {
        return directory.trustDomain();
    }

    @Override
    public Issued issue(SpiffeId id, byte[] csr, Duration lifetime) throws CaClient.IssueException {
        try {
            IssuedCertificate issued = authority.issue(id, csr, lifetime);
            return new Issued(issued.chain(), issued.roots());
        } catch (CaException e) {
            throw new CaClient.IssueException(CaClient.IssueException.Kind.REFUSED, String.valueOf(e.getMessage()), e);
        }
    }

    /** Fetches certificates anew if the directory's roots changed; to be called every few seconds. */
    void look(CertificateStore certificates) {
        try {
            if (directory.reload()) {
                LOG.log(System.Logger.Level.INFO, "the authority's directory changed: certificates are renewed");
                certificates.refresh();
            }
        } catch (CaException e) {
            LOG.log(System.Logger.Level.WARNING, () -> "the authority's directory cannot be read: " + e.getMessage());
        }
    }
}
