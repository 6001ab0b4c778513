package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where the data path finds the certificates that are in force.
 *
 * <p>Runs on: any; nothing here blocks.
 */
public interface CertificateSource {
    /** The certificate in force, or null when none is valid now. */
    @Nullable
    TlsMaterial current(SpiffeId id);

    /**
     * Calls back once, on any thread, when a certificate of this identity is first in force; at once when it is already.
     * The caller bounds its own patience, and runs what this returns when it is over.
     */
    Runnable whenAvailable(SpiffeId id, Consumer<TlsMaterial> then);
}
