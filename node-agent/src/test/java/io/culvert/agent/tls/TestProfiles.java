package io.culvert.agent.tls;

import io.culvert.agent.config.TlsConfig;
import java.util.List;

/** Profiles that can be configured, and those of peers that lack something. */
public final class TestProfiles {
    public static final TlsProfile TLS12_TOO = TlsProfile.of(new TlsConfig(true, false));
    public static final TlsProfile PQC = TlsProfile.of(new TlsConfig(false, true));
    public static final TlsProfile TLS12_ONLY = new TlsProfile(false, true, List.of("X25519", "P-256"));
    public static final TlsProfile CLASSIC_ONLY = new TlsProfile(true, false, List.of("X25519", "P-256", "P-384"));

    /** Of the classic groups and of the others it sends one key each, of the first: the hybrid is offered and none sent. */
    public static final TlsProfile WITHOUT_A_KEY_OF_THE_HYBRID =
            new TlsProfile(true, false, List.of("X25519", "MLKEM1024", "X25519MLKEM768"));

    private TestProfiles() {}
}
