package io.culvert.agent.admin;

import com.sun.net.httpserver.HttpExchange;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One request, without its body, which nothing here reads.
 *
 * @param method HTTP method
 * @param path decoded path
 * @param query decoded query; a key without a value has an empty one
 * @param headers header values by lower-case name
 */
record Request(String method, String path, Map<String, String> query, Map<String, List<String>> headers) {
    static Request of(HttpExchange exchange) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        exchange.getRequestHeaders()
                .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), List.copyOf(values)));
        String path = exchange.getRequestURI().getPath();
        return new Request(
                exchange.getRequestMethod(),
                path == null ? "" : path,
                query(exchange.getRequestURI().getRawQuery()),
                headers);
    }

    /**
     * Takes a query apart.
     *
     * <p>Errors: {@link IllegalArgumentException} when an escape is malformed.
     */
    static Map<String, String> query(@Nullable String raw) {
        Map<String, String> query = new LinkedHashMap<>();
        if (raw == null || raw.isEmpty()) {
            return query;
        }
        for (String pair : raw.split("&", -1)) {
            int equals = pair.indexOf('=');
            String key = equals < 0 ? pair : pair.substring(0, equals);
            String value = equals < 0 ? "" : pair.substring(equals + 1);
            query.put(URLDecoder.decode(key, StandardCharsets.UTF_8), URLDecoder.decode(value, StandardCharsets.UTF_8));
        }
        return query;
    }

    boolean isPost() {
        return method.equals("POST");
    }

    /** All values of a header as one text, empty when it is not there. */
    String header(String lowerCaseName) {
        return String.join(",", headers.getOrDefault(lowerCaseName, List.of()));
    }
}
