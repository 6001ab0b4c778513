package io.culvert.agent.admin;

import io.culvert.agent.base.Readiness;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;

/** Tells the node whether the agent is ready, and if not, what it still waits for. */
public final class ReadinessServer {
    private static final String PATH = "/healthz/ready";

    private final Readiness readiness;
    private final HttpListener listener;

    /** Serves on every address of the agent's own network namespace; port 0 picks a free one. */
    public ReadinessServer(int port, Readiness readiness) throws IOException {
        this.readiness = readiness;
        this.listener = HttpListener.start("readiness", new InetSocketAddress(port), this::answer);
    }

    public int port() {
        return listener.port();
    }

    /** Takes no more requests. */
    public void stop(Duration within) {
        listener.stop(within);
    }

    private Reply answer(Request request) {
        if (!request.path().equals(PATH)) {
            return Reply.text(404, "not found; readiness is at " + PATH + "\n");
        }
        if (!request.method().equals("GET")) {
            return Reply.methodNotAllowed("GET", "use GET\n");
        }
        return readiness.isReady()
                ? Reply.text(200, "ready\n")
                : Reply.text(500, "not ready, waiting for: " + String.join(", ", readiness.pending()) + "\n");
    }
}
