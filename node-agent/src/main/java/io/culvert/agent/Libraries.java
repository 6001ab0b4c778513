package io.culvert.agent;

import io.culvert.cni.redirect.RedirectException;
import io.culvert.shim.NativeLibrary;
import io.netty.handler.ssl.OpenSsl;
import java.io.IOException;

/** The native libraries of the agent, loaded beside the reading of its command line and its configuration. */
final class Libraries {
    private static final Ahead<Integer> SHIM = Ahead.begin("ctl-load-shim", NativeLibrary::abi);
    private static final Ahead<Boolean> TLS = Ahead.begin("ctl-load-tls", OpenSsl::isAvailable);

    private Libraries() {}

    static void begin() {
        // Whoever calls this has begun it.
    }

    /** Waits for them. */
    static void require() throws IOException, RedirectException {
        int _ = SHIM.get();
        if (!TLS.get()) {
            throw new IOException("the TLS library cannot be loaded: " + OpenSsl.unavailabilityCause());
        }
    }
}
