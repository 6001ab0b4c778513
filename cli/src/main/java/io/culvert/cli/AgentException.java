package io.culvert.cli;

/** An agent did not do what it was asked; the message says what to check. */
final class AgentException extends Exception {
    private static final long serialVersionUID = 1L;
    private static final String WHAT_TO_CHECK = """
              - Is it running? On a node of a cluster: kubectl -n NAMESPACE get pods -o wide
              - The admin port is on loopback of the agent's own network namespace: run this command there
                (kubectl exec, or nsenter --net=/proc/PID/ns/net), or forward the port.
              - Is it another port? The agent's --admin-port says; name it here with --address HOST:PORT.""";
    private final int exitCode;

    private AgentException(String message, int exitCode) {
        super(message);
        this.exitCode = exitCode;
    }

    static AgentException unreachable(String address, String why) {
        return new AgentException(
                "no agent answers at " + address + " (" + why + ")\n" + WHAT_TO_CHECK, Culvert.UNREACHABLE);
    }

    static AgentException refused(String what) {
        return new AgentException(what, Culvert.REFUSED);
    }

    int exitCode() {
        return exitCode;
    }
}
