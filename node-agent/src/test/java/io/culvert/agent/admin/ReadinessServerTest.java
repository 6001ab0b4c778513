package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.base.Readiness;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadinessServerTest {
    private final Readiness readiness = new Readiness();
    private final ReadinessServer server = start();

    private ReadinessServer start() {
        try {
            return new ReadinessServer(0, readiness);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void stop() {
        server.stop(Duration.ZERO);
    }

    @Test
    void tellsWhatItWaitsFor() throws IOException {
        Runnable b = readiness.begin("b");
        Runnable a = readiness.begin("a");
        RawHttp.Answer answer = RawHttp.get(server.port(), "/healthz/ready");
        assertEquals(500, answer.status());
        assertEquals("not ready, waiting for: a, b\n", answer.text());
        a.run();
        b.run();
        answer = RawHttp.get(server.port(), "/healthz/ready");
        assertEquals(200, answer.status());
        assertEquals("ready\n", answer.text());
    }

    @Test
    void takesGetOnly() throws IOException {
        RawHttp.Answer answer = RawHttp.post(server.port(), "/healthz/ready");
        assertEquals(405, answer.status());
        assertEquals("GET", answer.header("allow"));
    }

    @Test
    void knowsNoOtherPath() throws IOException {
        assertEquals(404, RawHttp.get(server.port(), "/").status());
        assertEquals(404, RawHttp.get(server.port(), "/healthz/ready/x").status());
    }
}
