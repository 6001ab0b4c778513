package io.culvert.agent.admin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A small HTTP/1.1 server: answers each request with a {@link Reply}.
 *
 * <p>Runs on: a virtual thread for each request. Owns: the listening socket and its connections.
 *
 * <p>Bounds: 2 s to receive a request, a time of its own to answer one, 16 requests at once (more are answered 503), 256 connections, 200 headers;
 * request bodies are not read.
 */
final class HttpListener {
    private static final System.Logger LOG = System.getLogger(HttpListener.class.getName());
    private static final int REQUESTS_MAX = 16;
    private static final int BACKLOG = 128;
    private static final Duration ANSWER_MAX = Duration.ofSeconds(60);
    private static final ScheduledThreadPoolExecutor TIMES = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("ctl-http-times").factory());

    static {
        TIMES.setRemoveOnCancelPolicy(true);
        limit("sun.net.httpserver.maxReqTime", "2");
        limit("sun.net.httpserver.maxRspTime", "360");
        limit("sun.net.httpserver.idleInterval", "30");
        limit("sun.net.httpserver.maxReqHeaders", "200");
        limit("sun.net.httpserver.maxReqHeaderSize", "16384");
        limit("sun.net.httpserver.drainAmount", "65536");
        limit("sun.net.httpserver.nodelay", "true");
        limit("jdk.httpserver.maxConnections", "256");
    }

    private final HttpServer server;
    private final ExecutorService threads;
    private final Semaphore requests = new Semaphore(REQUESTS_MAX);
    private final Duration answerMax;
    private final Function<Request, Reply> handler;

    private HttpListener(HttpServer server, String name, Duration answerMax, Function<Request, Reply> handler) {
        this.server = server;
        this.answerMax = answerMax;
        this.handler = handler;
        this.threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("ctl-" + name + "-", 0).factory());
        server.setExecutor(threads);
        server.createContext("/", this::serve);
    }

    /** Binds and serves; each request is answered within a minute or cut off. */
    static HttpListener start(String name, InetSocketAddress address, Function<Request, Reply> handler)
            throws IOException {
        return start(name, address, ANSWER_MAX, handler);
    }

    /** Binds and serves; a request that is not answered in time is cut off. */
    static HttpListener start(
            String name, InetSocketAddress address, Duration answerMax, Function<Request, Reply> handler)
            throws IOException {
        HttpServer server;
        try {
            server = HttpServer.create(address, BACKLOG);
        } catch (IOException e) {
            throw new IOException("cannot serve " + name + " at " + address + ": " + e.getMessage(), e);
        }
        HttpListener listener = new HttpListener(server, name, answerMax, handler);
        server.start();
        return listener;
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** Takes no more requests and ends when those under way are answered, or when the time is over. */
    void stop(Duration within) {
        server.stop((int) Math.max(0, within.toSeconds()));
        threads.shutdown();
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!requests.tryAcquire()) {
                send(exchange, Reply.text(503, "too many requests at once\n"));
                return;
            }
            ScheduledFuture<?> cut = TIMES.schedule(exchange::close, answerMax.toNanos(), TimeUnit.NANOSECONDS);
            try {
                send(exchange, answer(exchange));
            } finally {
                cut.cancel(false);
                requests.release();
            }
        }
    }

    private Reply answer(HttpExchange exchange) {
        try {
            return handler.apply(Request.of(exchange));
        } catch (IllegalArgumentException e) {
            return Reply.text(400, "malformed request\n");
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "request could not be answered", e);
            return Reply.text(500, e.getMessage() + "\n");
        }
    }

    private static void send(HttpExchange exchange, Reply reply) throws IOException {
        reply.headers().forEach(exchange.getResponseHeaders()::set);
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(reply.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(reply.status(), 0);
        try (OutputStream out = exchange.getResponseBody()) {
            reply.body().writeTo(out);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    // The server reads its limits from here, once.
    private static void limit(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
