package io.culvert.agent.grpc;

import io.culvert.agent.base.WatchedFile;
import io.culvert.agent.config.Token;
import io.grpc.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * What each call carries: who asks, proved by a token that is read anew each time, and what else was configured.
 *
 * <p>Runs on: a control thread. Bounds: a token of 64 KiB. Errors: {@link IOException} when the token cannot be read, is
 * empty, or no text of a header.
 */
final class CallHeaders {
    private static final int TOKEN_BYTES_MAX = 64 * 1024;
    private static final Metadata.Key<String> AUTHORIZATION = key("authorization");
    private static final Metadata.Key<String> CLUSTER = key("clusterid");

    private final Token token;
    private final String clusterId;
    private final Map<String, String> further;

    CallHeaders(Token token, String clusterId, Map<String, String> further) {
        this.token = token;
        this.clusterId = clusterId;
        this.further = Map.copyOf(further);
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    /** The headers of one call. */
    Metadata next() throws IOException {
        Metadata headers = new Metadata();
        switch (token) {
            case Token.None none -> {}
            case Token.Literal(var text) -> prove(headers, text, "the configured token");
            case Token.InFile(var path) -> prove(headers, read(path), path.toString());
        }
        further.forEach((name, value) -> headers.put(key(name), value));
        return headers;
    }

    private static String read(Path path) throws IOException {
        try {
            return new String(new WatchedFile(path, TOKEN_BYTES_MAX).read(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IOException(
                    "the token that the agent proves itself with cannot be read: " + e.getMessage()
                            + "; mount it there, or name another by AUTH_TOKEN",
                    e);
        }
    }

    private void prove(Metadata headers, String text, String where) throws IOException {
        String bare = text.strip();
        if (bare.isEmpty()) {
            throw new IOException("there is no token in " + where);
        }
        if (!bare.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new IOException("what is in " + where + " is no token");
        }
        headers.put(AUTHORIZATION, "Bearer " + bare);
        headers.put(CLUSTER, clusterId);
    }
}
