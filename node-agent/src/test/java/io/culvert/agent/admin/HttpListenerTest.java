package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HttpListenerTest {
    private final List<HttpListener> started = new ArrayList<>();
    private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();

    private HttpListener start(Function<Request, Reply> handler) throws IOException {
        HttpListener listener =
                HttpListener.start("test", new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), handler);
        started.add(listener);
        return listener;
    }

    @AfterEach
    void stop() {
        started.forEach(listener -> listener.stop(Duration.ZERO));
        clients.shutdownNow();
    }

    @Test
    void answersFiveHundred_whenTheHandlerFails() throws IOException {
        HttpListener listener = start(request -> {
            throw new IllegalStateException("broken");
        });
        RawHttp.Answer answer = RawHttp.get(listener.port(), "/");
        assertEquals(500, answer.status());
        assertEquals("broken\n", answer.text());
    }

    @Test
    void answersFourHundred_toMalformedEscapes() throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        assertEquals(400, RawHttp.get(listener.port(), "/?a=%zz").status());
        assertEquals(200, RawHttp.get(listener.port(), "/?a=%20").status());
    }

    @Test
    void answersHead_withoutABody() throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        RawHttp.Answer answer = RawHttp.send(listener.port(), "HEAD /", "Host: localhost");
        assertEquals(200, answer.status());
        assertEquals(0, answer.body().length);
    }

    @Test
    void refusesMoreThanSixteen_atOnce() throws Exception {
        CountDownLatch busy = new CountDownLatch(16);
        CountDownLatch release = new CountDownLatch(1);
        HttpListener listener = start(request -> {
            busy.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Reply.text(200, "fine");
        });
        List<CompletableFuture<Integer>> held = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            held.add(CompletableFuture.supplyAsync(() -> status(listener.port()), clients));
        }
        busy.await();
        assertEquals(503, status(listener.port()));
        release.countDown();
        held.forEach(each -> assertEquals(200, each.join()));
        assertEquals(200, status(listener.port()));
    }

    private static int status(int port) {
        try {
            return RawHttp.get(port, "/").status();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void cutsOff_whoDoesNotFinishARequest() throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        byte[] answer = RawHttp.exchange(listener.port(), "GET / HTTP/1.1\r\nHost: lo");
        assertEquals(0, answer.length);
    }

    @Test
    void refusesTooManyHeaders() throws IOException {
        StringBuilder headers = new StringBuilder();
        for (int i = 0; i < 250; i++) {
            headers.append("a").append(i).append(": b\r\n");
        }
        assertRefused(headers.toString());
    }

    @Test
    void refusesTooLargeHeaders() throws IOException {
        assertRefused("a: " + "b".repeat(20_000) + "\r\n");
    }

    private void assertRefused(String headers) throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        String answer;
        try {
            byte[] bytes = RawHttp.exchange(
                    listener.port(), "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
            answer = new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (SocketException e) {
            answer = "reset";
        }
        assertTrue(answer.isEmpty() || answer.equals("reset") || answer.startsWith("HTTP/1.1 400"), answer);
        assertEquals(200, status(listener.port()));
    }

    @Test
    void saysWhat_cannotBeServed() throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        InetSocketAddress taken = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), listener.port());
        IOException problem = assertThrows(
                IOException.class, () -> HttpListener.start("readiness", taken, request -> Reply.text(200, "")));
        assertTrue(String.valueOf(problem.getMessage()).startsWith("cannot serve readiness at /127.0.0.1:"));
    }

    @Test
    void takesNoMore_onceStopped() throws IOException {
        HttpListener listener = start(request -> Reply.text(200, "fine"));
        int port = listener.port();
        assertEquals(200, status(port));
        listener.stop(Duration.ZERO);
        assertThrows(ConnectException.class, () -> RawHttp.get(port, "/"));
    }
}
