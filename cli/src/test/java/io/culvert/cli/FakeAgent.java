package io.culvert.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An admin port that answers everything with one text, and keeps what it was asked. */
final class FakeAgent implements AutoCloseable {
    private final HttpServer server;
    private final int status;
    private final byte[] answer;
    private final List<String> requests = new CopyOnWriteArrayList<>();

    FakeAgent(int status, String answer) throws IOException {
        this.status = status;
        this.answer = answer.getBytes(StandardCharsets.UTF_8);
        server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            exchange.sendResponseHeaders(status, 0);
            exchange.getResponseBody().write(answer);
        }
    }

    String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    List<String> requests() {
        return requests;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
