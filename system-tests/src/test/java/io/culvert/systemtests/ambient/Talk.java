package io.culvert.systemtests.ambient;

import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.net.InetAddress;
import java.util.List;

/** What applications of the lab say to each other. */
final class Talk {
    /** Where applications listen. */
    static final int PORT = 7000;

    /** What a client sends, and what it has back. */
    static final int UP = 11;

    static final int DOWN = 22;

    private final AmbientLab lab;

    Talk(AmbientLab lab) {
        this.lab = lab;
    }

    /** A server that takes {@link #UP} bytes and sends {@link #DOWN} on each connection. */
    LabProcess serve(String pod, int port) {
        return NetProbe.serve(lab.net(), lab.ns(pod), port, "recv:" + UP, "send:" + DOWN, "eof", "fin");
    }

    /** A client's part of that. */
    CommandResult ask(String pod, InetAddress to, int port) {
        return NetProbe.connect(lab.net(), lab.ns(pod), to, port, "send:" + UP, "recv:" + DOWN, "fin", "eof");
    }

    /** One conversation of two pods. */
    void once(String client, String server) {
        try (LabProcess serving = serve(server, PORT)) {
            ask(client, lab.ns(server).ipv4(), PORT).expectOk();
            serving.stop().expectOk();
        }
    }

    /** An application that returns what it is sent. */
    LabProcess echo(String pod, int port) {
        return NetProbe.serve(lab.net(), lab.ns(pod), port, List.of("--quiet"), "echo");
    }

    /** Has bytes returned by whoever is there. */
    CommandResult both(String pod, String to, int port, int bytes) {
        return NetProbe.connect(lab.net(), lab.ns(pod), InetAddress.ofLiteral(to), port, "both:" + bytes, "fin", "eof");
    }
}
