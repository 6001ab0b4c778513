package io.culvert.agent.tls;

import io.culvert.agent.config.TlsConfig;
import java.util.List;

/** Profiles that can be configured, and those of peers that lack something. */
public final class TestProfiles {
    /** As an agent has it by default: the kernel makes and reads the records where it can. */
    public static final TlsProfile HERE = TlsProfile.of(TlsConfig.STANDARD, KernelTlsSupport.probe());

    public static final TlsProfile TLS12_TOO = TlsProfile.of(new TlsConfig(true, false, true));
    public static final TlsProfile PQC = TlsProfile.of(new TlsConfig(false, true, true));
    public static final TlsProfile TLS12_ONLY =
            new TlsProfile(false, true, List.of("X25519", "P-256"), KernelTlsSupport.OFF);
    public static final TlsProfile CLASSIC_ONLY =
            new TlsProfile(true, false, List.of("X25519", "P-256", "P-384"), KernelTlsSupport.OFF);

    /** Of the classic groups and of the others it sends one key each, of the first: the hybrid is offered and none sent. */
    public static final TlsProfile WITHOUT_A_KEY_OF_THE_HYBRID =
            new TlsProfile(true, false, List.of("X25519", "MLKEM1024", "X25519MLKEM768"), KernelTlsSupport.OFF);

    private TestProfiles() {}
}
