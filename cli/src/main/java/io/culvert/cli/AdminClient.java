package io.culvert.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Talks to an agent's admin port.
 *
 * <p>Bounds: 2 s to connect, 30 s to the answer's beginning; of an error's text 64 KiB are read.
 */
final class AdminClient implements AutoCloseable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(30);
    private static final int TEXT_BYTES_MAX = 1 << 16;
    private static final int PORT_MAX = 65_535;

    private final URI base;
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    /**
     * A client of {@code host:port}, {@code [v6]:port} or {@code http://host:port}.
     *
     * <p>Errors: {@link IllegalArgumentException} for anything else.
     */
    AdminClient(String address) {
        URI uri;
        try {
            uri = URI.create(address.contains("://") ? address : "http://" + address);
        } catch (IllegalArgumentException e) {
            throw badAddress(address);
        }
        String path = uri.getPath();
        boolean bare = path == null || path.isEmpty() || path.equals("/");
        boolean port = uri.getPort() >= 1 && uri.getPort() <= PORT_MAX;
        if (!"http".equals(uri.getScheme()) || uri.getHost() == null || !port || !bare) {
            throw badAddress(address);
        }
        this.base = URI.create("http://" + uri.getRawAuthority());
    }

    private static IllegalArgumentException badAddress(String address) {
        return new IllegalArgumentException("'" + address + "' is no address; write HOST:PORT");
    }

    /** The body of a page; the caller closes it. */
    InputStream get(String path) throws AgentException {
        return body(HttpRequest.newBuilder(base.resolve(path)).GET());
    }

    /** Has the agent do something; its answer as text. */
    String post(String path) throws AgentException {
        try (InputStream body = body(HttpRequest.newBuilder(base.resolve(path)).POST(BodyPublishers.noBody()))) {
            return text(body);
        } catch (IOException e) {
            throw AgentException.refused("the agent's answer broke off: " + e.getMessage());
        }
    }

    private InputStream body(HttpRequest.Builder request) throws AgentException {
        try {
            HttpResponse<InputStream> response =
                    http.send(request.timeout(ANSWER_TIMEOUT).build(), BodyHandlers.ofInputStream());
            if (response.statusCode() == 200) {
                return response.body();
            }
            try (InputStream body = response.body()) {
                throw AgentException.refused("the agent answered " + response.statusCode() + ": "
                        + text(body).strip());
            }
        } catch (ConnectException | HttpConnectTimeoutException e) {
            throw AgentException.unreachable(base.toString(), "it cannot be connected to");
        } catch (HttpTimeoutException e) {
            throw AgentException.unreachable(base.toString(), "it does not answer");
        } catch (IOException e) {
            throw AgentException.unreachable(base.toString(), "what answers there is no agent: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AgentException.refused("interrupted");
        }
    }

    private static String text(InputStream body) throws IOException {
        return Printable.lines(new String(body.readNBytes(TEXT_BYTES_MAX), StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
