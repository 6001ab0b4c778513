package io.culvert.agent.admin;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The answer to one request.
 *
 * @param status HTTP status
 * @param headers response headers
 * @param body what is written
 */
record Reply(int status, Map<String, String> headers, Body body) {
    /** Writes a body. */
    @FunctionalInterface
    interface Body {
        void writeTo(OutputStream out) throws IOException;
    }

    Reply {
        headers = Map.copyOf(headers);
    }

    static Reply text(int status, String text) {
        return of(status, "text/plain; charset=utf-8", text);
    }

    static Reply of(int status, String contentType, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new Reply(status, Map.of("Content-Type", contentType), out -> out.write(bytes));
    }

    /** The methods that a path takes are others. */
    static Reply methodNotAllowed(String allowed, String text) {
        return new Reply(
                405,
                Map.of("Content-Type", "text/plain; charset=utf-8", "Allow", allowed),
                out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }
}
