package io.culvert.agent.admin;

import io.culvert.agent.telemetry.Metrics;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Serves metrics in the OpenMetrics text format. */
public final class MetricsServer {
    private static final Set<String> PATHS = Set.of("/metrics", "/stats/prometheus");
    private static final String OPEN_METRICS = "application/openmetrics-text";

    private final Metrics metrics;
    private final HttpListener listener;

    /** Serves on every address of the agent's own network namespace; port 0 picks a free one. */
    public MetricsServer(int port, Metrics metrics) throws IOException {
        this.metrics = metrics;
        this.listener = HttpListener.start("metrics", new InetSocketAddress(port), this::answer);
    }

    public int port() {
        return listener.port();
    }

    /** Takes no more requests. */
    public void stop(Duration within) {
        listener.stop(within);
    }

    private Reply answer(Request request) {
        if (!PATHS.contains(request.path())) {
            return Reply.text(404, "not found; metrics are at /metrics\n");
        }
        Coding coding = Coding.of(request.header("accept-encoding"));
        Map<String, String> headers = new TreeMap<>();
        headers.put("Content-Type", contentType(request.header("accept")));
        if (coding != Coding.IDENTITY) {
            headers.put("Content-Encoding", coding.word());
        }
        headers.put("Vary", "Accept, Accept-Encoding");
        return new Reply(200, headers, out -> write(coding.over(out)));
    }

    private void write(OutputStream out) throws IOException {
        try (Writer text = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8))) {
            OpenMetricsWriter.write(metrics.collect(), text);
        }
    }

    static String contentType(String accept) {
        return accept.toLowerCase(Locale.ROOT).contains(OPEN_METRICS)
                ? OPEN_METRICS + ";charset=utf-8;version=1.0.0"
                : "text/plain; charset=utf-8";
    }
}
