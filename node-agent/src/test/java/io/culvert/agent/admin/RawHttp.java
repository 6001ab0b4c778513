package io.culvert.agent.admin;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/** Sends requests as they are written, and reads the answer to the end. */
final class RawHttp {
    private static final int TIMEOUT_MILLIS = (int) Duration.ofSeconds(30).toMillis();

    /** An answer: status line and headers as one text, and the body, chunks put together, a character a byte. */
    record Answer(String head, String latin1) {
        byte[] body() {
            return latin1.getBytes(StandardCharsets.ISO_8859_1);
        }

        int status() {
            return Integer.parseInt(head.split(" ")[1]);
        }

        String header(String name) {
            return head.lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
                    .map(line -> line.substring(name.length() + 1).trim())
                    .findFirst()
                    .orElse("");
        }

        String text() {
            return new String(body(), StandardCharsets.UTF_8);
        }
    }

    private RawHttp() {}

    static Answer get(int port, String path) throws IOException {
        return send(port, "GET " + path, "Host: localhost:" + port);
    }

    static Answer post(int port, String path) throws IOException {
        return send(port, "POST " + path, "Host: localhost:" + port, "Content-Length: 0");
    }

    static Answer send(int port, String methodAndPath, String... headers) throws IOException {
        StringBuilder request = new StringBuilder(methodAndPath).append(" HTTP/1.1\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        return parse(exchange(port, request.append("Connection: close\r\n\r\n").toString()));
    }

    /** Everything that comes back until the server closes. */
    static byte[] exchange(int port, String bytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            OutputStream out = socket.getOutputStream();
            out.write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            return socket.getInputStream().readAllBytes();
        }
    }

    static Answer parse(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new AssertionError("no answer but: " + text);
        }
        Answer answer = new Answer(text.substring(0, end), text.substring(end + 4));
        return answer.header("transfer-encoding").equals("chunked")
                ? new Answer(answer.head(), unchunk(text.substring(end + 4)))
                : answer;
    }

    private static String unchunk(String chunks) {
        StringBuilder body = new StringBuilder();
        int at = 0;
        while (true) {
            int line = chunks.indexOf("\r\n", at);
            int size = Integer.parseInt(chunks.substring(at, line), 16);
            if (size == 0) {
                return body.toString();
            }
            body.append(chunks, line + 2, line + 2 + size);
            at = line + 2 + size + 2;
        }
    }
}
