package io.culvert.agent.grpc;

import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Verifies that a server chains to given roots and carries one of several names.
 *
 * <p>Runs on: any. Errors: {@link CertificateException}, which TLS turns into an alert.
 *
 * <p>Source: RFC 6125: names come from the subject alternative names alone, a wildcard stands for one whole first label.
 */
final class ServerVerifier extends X509ExtendedTrustManager {
    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    private final X509TrustManager chains;
    private final List<String> names;

    ServerVerifier(List<X509Certificate> roots, List<String> names) throws IOException {
        this.names = List.copyOf(names);
        this.chains = chains(roots);
    }

    private static X509TrustManager chains(List<X509Certificate> roots) throws IOException {
        try {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (int i = 0; i < roots.size(); i++) {
                store.setCertificateEntry("root-" + i, roots.get(i));
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            for (TrustManager each : factory.getTrustManagers()) {
                if (each instanceof X509TrustManager found) {
                    return found;
                }
            }
            throw new IOException("the platform has no PKIX trust manager");
        } catch (GeneralSecurityException e) {
            throw new IOException("the roots cannot be used: " + e.getMessage(), e);
        }
    }

    private void verify(X509Certificate[] chain, String authType) throws CertificateException {
        chains.checkServerTrusted(chain, authType);
        X509Certificate leaf = chain[0];
        if (names.stream().noneMatch(name -> carries(leaf, name))) {
            throw new CertificateException("the server's certificate carries none of the names " + names);
        }
    }

    static boolean carries(X509Certificate leaf, String name) {
        Collection<List<?>> found;
        try {
            found = leaf.getSubjectAlternativeNames();
        } catch (CertificateException e) {
            return false;
        }
        if (found == null) {
            return false;
        }
        byte[] address = NetUtil.createByteArrayFromIpAddressString(name);
        return found.stream()
                .anyMatch(each -> each.get(0) instanceof Integer type
                        && each.get(1) instanceof String text
                        && (address == null
                                ? type == DNS_NAME && matches(text, name)
                                : type == IP_ADDRESS && isAddress(text, address)));
    }

    private static boolean isAddress(String text, byte[] address) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        return bytes != null && Arrays.equals(bytes, address);
    }

    private static boolean matches(String pattern, String name) {
        String wanted = name.toLowerCase(Locale.ROOT).replaceAll("\\.$", "");
        String offered = pattern.toLowerCase(Locale.ROOT).replaceAll("\\.$", "");
        if (!offered.startsWith("*.")) {
            return offered.equals(wanted);
        }
        int dot = wanted.indexOf('.');
        // A wildcard right below the root, as *.com, would be too much.
        return dot > 0 && offered.indexOf('.', 2) > 0 && wanted.substring(dot).equals(offered.substring(1));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        verify(chain, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        verify(chain, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        verify(chain, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return chains.getAcceptedIssuers();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        throw new CertificateException("only servers are verified here");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        throw new CertificateException("only servers are verified here");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        throw new CertificateException("only servers are verified here");
    }
}
