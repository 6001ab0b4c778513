package io.culvert.agent.hbone;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.agent.tls.SecretsLog;
import io.culvert.agent.tls.TrafficSecret;
import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * What one connection's records are protected with, in both directions, for the kernel to know.
 *
 * <p>Runs on: its transport's loop. Owns: both secrets; {@link #wipe} overwrites them.
 */
final class KernelKeys {
    /** Keys as the handshake agreed on them. */
    static final TlsTransport.KeySource AGREED = new TlsTransport.KeySource() {
        @Override
        public boolean isThere(TlsMaterial material) {
            return material.kernel().isThere();
        }

        @Override
        public @Nullable KernelKeys keysOf(TlsMaterial material, SSLEngine engine, boolean client) {
            return of(material, engine, client);
        }
    };

    private final TrafficSecret sending;
    private final TrafficSecret receiving;
    private final boolean client;
    private final boolean canChange;

    /**
     * Keys.
     *
     * @param client whether we opened the connection
     * @param canChange whether the kernel takes others later
     */
    KernelKeys(TrafficSecret sending, TrafficSecret receiving, boolean client, boolean canChange) {
        this.sending = sending;
        this.receiving = receiving;
        this.client = client;
        this.canChange = canChange;
    }

    private static @Nullable KernelKeys of(TlsMaterial material, SSLEngine engine, boolean client) {
        SecretsLog.Agreed agreed = material.takeSecrets(engine);
        byte[] ours = agreed == null ? null : client ? agreed.client() : agreed.server();
        byte[] theirs = agreed == null ? null : client ? agreed.server() : agreed.client();
        String suite = engine.getSession().getCipherSuite();
        KernelTls.Cipher cipher = TrafficSecret.cipherOf(suite);
        Boolean changes = cipher == null ? null : material.kernel().ciphers().get(cipher);
        if (ours == null || theirs == null || changes == null) {
            return null;
        }
        return new KernelKeys(TrafficSecret.of(suite, ours), TrafficSecret.of(suite, theirs), client, changes);
    }

    boolean isClient() {
        return client;
    }

    boolean canChange() {
        return canChange;
    }

    void tellSending(TlsSocket socket, long sequence) throws ShimException {
        KernelTls.Keys keys = sending.keys();
        try {
            socket.sendKeys(keys, sequence);
        } finally {
            keys.wipe();
        }
    }

    void tellReceiving(TlsSocket socket, long sequence) throws ShimException {
        KernelTls.Keys keys = receiving.keys();
        try {
            socket.receiveKeys(keys, sequence);
        } finally {
            keys.wipe();
        }
    }

    /** Behind a KeyUpdate of ours. */
    void changeSending(TlsSocket socket) throws ShimException {
        sending.update();
        tellSending(socket, 0);
    }

    /** Behind a KeyUpdate of the peer's. */
    void changeReceiving(TlsSocket socket) throws ShimException {
        receiving.update();
        tellReceiving(socket, 0);
    }

    void wipe() {
        sending.wipe();
        receiving.wipe();
    }
}
