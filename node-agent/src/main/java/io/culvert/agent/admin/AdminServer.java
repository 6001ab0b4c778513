package io.culvert.agent.admin;

import io.culvert.agent.config.LogFilter;
import io.culvert.agent.telemetry.log.Logging;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The operator's interface, on loopback only: everything that the agent knows, its log levels, its end.
 *
 * <p>Whoever can open a connection to loopback in the agent's network namespace is an operator; browsers are kept out.
 */
public final class AdminServer {
    private static final byte[] V4_LOOPBACK = {127, 0, 0, 1};
    private static final byte[] V6_LOOPBACK = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    private static final String LOGGING_USAGE = """
            usage: POST /logging                           the filter in force
                   POST /logging?level=LEVEL               everything: off, error, warn, info, debug or trace
                   POST /logging?level=TARGET=LEVEL,...    single targets, laid over the filter in force
                   POST /logging?level=...&reset           the same, laid over the filter at the start
            """;
    private static final String NO_HEAP_PROFILE =
            "heap profiling is not built in; jvm_memory_used_bytes and jvm_buffer_pool_used_bytes of /metrics tell what is used\n";
    /** A profile is answered once it is taken. */
    private static final Duration ANSWER_MAX = Duration.ofSeconds(CpuProfiler.SECONDS_MAX + 30);

    private static final String INDEX = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>culvert</title></head><body>
            <h1>culvert</h1>
            <ul>
            <li><a href="config_dump">config_dump</a>: everything that the agent knows, as JSON</li>
            <li>POST logging: log levels; ?level=debug, ?level=access=debug, &amp;reset</li>
            <li>POST quitquitquit: drain and stop</li>
            <li><a href="debug/pprof/profile">debug/pprof/profile</a>: where CPU time goes, for pprof; ?seconds=10&amp;frequency=100</li>
            </ul></body></html>
            """;

    private final ConfigDump dump;
    private final Logging logging;
    private final Runnable quit;
    private final CpuProfiler profiler = new CpuProfiler();
    private final List<HttpListener> listeners = new ArrayList<>();

    /**
     * Serves on 127.0.0.1, and on ::1 where there is one; port 0 picks a free one.
     *
     * @param quit starts a graceful end and returns at once
     */
    public AdminServer(int port, ConfigDump dump, Logging logging, Runnable quit) throws IOException {
        this.dump = dump;
        this.logging = logging;
        this.quit = quit;
        listeners.add(listen(V4_LOOPBACK, port));
        InetAddress v6 = InetAddress.getByAddress(V6_LOOPBACK);
        if (NetworkInterface.getByInetAddress(v6) != null) {
            listenToo();
        }
    }

    private HttpListener listen(byte[] address, int port) throws IOException {
        return HttpListener.start(
                "admin", new InetSocketAddress(InetAddress.getByAddress(address), port), ANSWER_MAX, this::answer);
    }

    private void listenToo() throws IOException {
        try {
            listeners.add(listen(V6_LOOPBACK, port()));
        } catch (IOException e) {
            listeners.getFirst().stop(Duration.ZERO);
            throw e;
        }
    }

    public int port() {
        return listeners.getFirst().port();
    }

    /** Takes no more requests. */
    public void stop(Duration within) {
        listeners.forEach(listener -> listener.stop(within));
    }

    private Reply answer(Request request) {
        Optional<Reply> refusal = LoopbackGuard.check(request);
        if (refusal.isPresent()) {
            return refusal.get();
        }
        return switch (request.path()) {
            case "/" -> index();
            case "/config_dump" -> new Reply(200, Map.of("Content-Type", "application/json"), dump::writeTo);
            case "/logging" -> request.isPost() ? logging(request) : Reply.methodNotAllowed("POST", LOGGING_USAGE);
            case "/quitquitquit" -> request.isPost() ? quit() : Reply.methodNotAllowed("POST", "use POST\n");
            case "/debug/pprof/profile" -> profiler.answer(request);
            case "/debug/pprof/heap" -> Reply.text(500, NO_HEAP_PROFILE);
            case "/debug/pprof/heap/profiling" -> heapProfiling(request.query().getOrDefault("activate", "false"));
            default -> Reply.text(404, "not found; see /\n");
        };
    }

    private static Reply heapProfiling(String activate) {
        return switch (activate) {
            case "false" -> Reply.text(200, "heap profiling is inactive\n");
            case "true" -> Reply.text(500, NO_HEAP_PROFILE);
            default -> Reply.text(400, "activate is true or false\n");
        };
    }

    private static Reply index() {
        Reply page = Reply.of(200, "text/html; charset=utf-8", INDEX);
        return new Reply(
                page.status(),
                Map.of("Content-Type", "text/html; charset=utf-8", "Content-Security-Policy", "default-src 'none'"),
                page.body());
    }

    private Reply logging(Request request) {
        String directives = request.query().getOrDefault("level", "");
        boolean reset = request.query().containsKey("reset");
        try {
            LogFilter base = reset ? logging.initialFilter() : logging.filter();
            if (reset || !directives.isEmpty()) {
                logging.filter(base.merge(directives));
            }
        } catch (IllegalArgumentException e) {
            return Reply.text(400, e.getMessage() + "\n" + LOGGING_USAGE);
        }
        return Reply.text(200, "current log level is " + logging.filter() + "\n");
    }

    private Reply quit() {
        quit.run();
        return Reply.text(200, "shutdown now\n");
    }
}
