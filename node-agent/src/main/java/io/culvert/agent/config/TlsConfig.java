package io.culvert.agent.config;

/**
 * How TLS is spoken, in tunnels and with the servers of the mesh.
 *
 * @param tls12 whether 1.2 is permitted beside 1.3
 * @param postQuantumOnly whether keys are agreed on with the hybrid of X25519 and ML-KEM alone, which only 1.3 knows
 * @param kernel whether the kernel makes and reads tunnels' records where it can
 */
public record TlsConfig(boolean tls12, boolean postQuantumOnly, boolean kernel) {
    /** What holds when nobody says otherwise. */
    public static final TlsConfig STANDARD = new TlsConfig(false, false, true);

    /** A rule that cryptography has to follow. */
    enum Compliance {
        NONE,
        PQC
    }

    public TlsConfig {
        if (tls12 && postQuantumOnly) {
            throw new IllegalArgumentException("TLS 1.2 has no post-quantum group");
        }
    }
}
