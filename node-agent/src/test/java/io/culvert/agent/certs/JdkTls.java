package io.culvert.agent.certs;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/** The JDK's own TLS, an implementation that has nothing in common with the agent's; it trusts everybody. */
public final class JdkTls {
    private JdkTls() {}

    /** A context whose certificate this authority signs. */
    public static SSLContext context(TestCa ca, KeyPair keys, TestCa.Leaf leaf) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            Certificate[] chain = ca.sign(keys.getPublic(), leaf).toArray(Certificate[]::new);
            store.setKeyEntry("own", keys.getPrivate(), new char[0], chain);
            return context(store);
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A context without a certificate. */
    public static SSLContext anonymous() {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            return context(store);
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SSLContext context(KeyStore store) throws GeneralSecurityException {
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(store, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
        return context;
    }

    /** A client's engine of one version, which would resume a session with the same server if it could. */
    public static SSLEngine client(SSLContext context, String protocol) {
        SSLEngine engine = context.createSSLEngine("far", 15_008);
        engine.setUseClientMode(true);
        engine.setSSLParameters(parameters(engine, protocol));
        return engine;
    }

    /** A server's engine of one version, which demands a certificate. */
    public static SSLEngine server(SSLContext context, String protocol) {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        SSLParameters parameters = parameters(engine, protocol);
        parameters.setNeedClientAuth(true);
        engine.setSSLParameters(parameters);
        return engine;
    }

    private static SSLParameters parameters(SSLEngine engine, String protocol) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {protocol});
        parameters.setApplicationProtocols(new String[] {"h2"});
        parameters.setServerNames(List.of());
        return parameters;
    }
}
