package io.culvert.systemtests.interop;

import io.culvert.systemtests.lab.MeshLab;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.Netns;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** An HTTP server whose answer is the request that it got, and a client. */
final class WebServer {
    private static final String PROGRAM = """
            import http.server, sys
            class Mirror(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def do_GET(self):
                    print("served", self.path, flush=True)
                    body = (self.path + "\\n" + str(self.headers)).encode()
                    self.send_response(200)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                def log_message(self, *_):
                    pass
            server = http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Mirror)
            print("listening", flush=True)
            server.serve_forever()
            """;

    private WebServer() {}

    static LabProcess start(MeshLab lab, Netns ns, int port) {
        LabProcess server = lab.net().spawn(ns, "python3", "-c", PROGRAM, Integer.toString(port));
        server.awaitLine("^listening", Duration.ofSeconds(10));
        return server;
    }

    /** What curl says: the answer's body, then its status on a line of its own. */
    static CommandResult get(MeshLab lab, Netns from, String url, String... more) {
        Stream<String> command =
                Stream.of("curl", "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}\n");
        return lab.net()
                .exec(
                        from,
                        Stream.of(command, Stream.of(more), Stream.of(url))
                                .flatMap(each -> each)
                                .toList());
    }

    /** The paths that it has served so far. */
    static List<String> served(LabProcess server) {
        return server.lines().stream()
                .filter(line -> line.startsWith("served "))
                .map(line -> line.substring("served ".length()))
                .toList();
    }
}
