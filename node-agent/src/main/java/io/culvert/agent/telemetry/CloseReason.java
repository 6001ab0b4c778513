package io.culvert.agent.telemetry;

import java.util.Locale;

/**
 * Why a connection ended: the one word that metrics, access log and operator share.
 *
 * <p>Each constant carries the metric label, the access log's text and a sentence that a user can act on.
 */
public enum CloseReason {
    NORMAL(ResponseFlag.NONE, false, "closed", "Both ends finished."),
    RESET_BY_APPLICATION(
            ResponseFlag.NONE,
            false,
            "reset by the application",
            "The application on this node reset its connection; the peer was told. Its own log says why."),
    RESET_BY_PEER(
            ResponseFlag.NONE,
            false,
            "reset by the peer",
            "The other end reset the connection while it was in use, as applications may; if it should not have, look at its log, and at that of its agent."),
    CONNECTION_LOST(
            ResponseFlag.CONNECT,
            true,
            "connection lost",
            "The other end, or the way to it, went away while the connection was open, and nobody said so; the detail has the system's error and the side. Check that host and the network between."),
    STREAM_RESET(
            ResponseFlag.H2_HANDSHAKE_FAILURE,
            ResponseFlag.CONNECT,
            "stream reset by the peer's proxy",
            "The peer's proxy gave up the stream that carried the connection, or took none; the detail names its code. Look at that proxy's log."),
    POLICY_DENIED(
            ResponseFlag.DENY,
            true,
            "denied by policy",
            "An authorization policy refuses this connection; the detail names it. Allow this source in a policy if it should be let in."),
    POLICY_CHANGED(
            ResponseFlag.DENY,
            true,
            "no longer allowed by policy",
            "A policy that changed while the connection was open refuses it now; the detail names it."),
    CONNECT_FAILED(
            ResponseFlag.CONNECT,
            true,
            "connection failed",
            "The destination could not be reached; check that it runs, listens on that port, and is routable from this pod."),
    CONNECT_TIMEOUT(
            ResponseFlag.CONNECT,
            true,
            "connection timed out",
            "The destination did not answer in time; check that it runs and that no firewall drops its packets."),
    TUNNEL_CONNECT_TIMEOUT(
            ResponseFlag.NETWORK_POLICY,
            true,
            "connection to the HBONE port timed out",
            "The peer's HBONE port did not answer in time; a NetworkPolicy or firewall that does not allow it is the usual cause."),
    HANDSHAKE_TIMEOUT(
            ResponseFlag.CONNECT,
            true,
            "TLS handshake timed out",
            "The peer accepted the connection and then did not finish the TLS handshake or the HTTP/2 preface; check that an HBONE peer listens there."),
    TLS_FAILED(
            ResponseFlag.CONNECT,
            true,
            "TLS handshake failed",
            "The TLS handshake failed; check that both ends have certificates of the same root, and clocks that agree."),
    CERTIFICATE_REVOKED(
            ResponseFlag.CERT_REVOKED,
            true,
            "the peer's certificate is revoked",
            "A revocation list names the peer's certificate or an authority above it; the detail tells which. The peer needs a new one."),
    PEER_IDENTITY_MISMATCH(
            ResponseFlag.CONNECT,
            true,
            "peer has another identity",
            "The peer proved an identity that this destination may not have; check its service account and trust domain."),
    IDENTITY_UNAVAILABLE(
            ResponseFlag.IDENTITY_ERROR,
            true,
            "no certificate",
            "There is no certificate for this workload; `culvert ctl certificates` says why."),
    H2_FAILED(
            ResponseFlag.H2_HANDSHAKE_FAILURE,
            ResponseFlag.CONNECT,
            "HTTP/2 failure",
            "The peer broke the HTTP/2 protocol or closed the tunnel; the detail says how."),
    CONNECT_REFUSED_STATUS(
            ResponseFlag.CONNECT,
            true,
            "refused by the peer",
            "The peer's proxy answered the CONNECT with an error; 401 and 403 stand for its policy, 503 for an application that it cannot reach."),
    CONNECT_RESPONSE_TIMEOUT(
            ResponseFlag.CONNECT,
            true,
            "peer did not answer the CONNECT in time",
            "The peer's proxy is there but did not answer in time; look at its log and its load."),
    TUNNEL_LOST(
            ResponseFlag.H2_HANDSHAKE_FAILURE,
            ResponseFlag.CONNECT,
            "tunnel lost",
            "The tunnel that carried the connection broke; the peer's agent or the network between went away."),
    NO_UPSTREAM(
            ResponseFlag.CONNECT,
            true,
            "no healthy upstream",
            "The service has no endpoint that may be used; check that its pods are ready and that its traffic policy leaves one."),
    SELF_CALL(
            ResponseFlag.CONNECT,
            true,
            "destination is the agent's own port",
            "The connection aims at a port of the agent itself; use the application's port."),
    FOREIGN_DESTINATION(
            ResponseFlag.CONNECT,
            true,
            "destination is not this workload",
            "The peer asked this pod's tunnel for an address that is not the pod's; its picture of the mesh is out of date or it is hostile."),
    WORKLOAD_UNKNOWN(
            ResponseFlag.CONNECT,
            true,
            "workload unknown",
            "Nothing is known of this pod yet, so its traffic is refused; check that the mesh file lists it."),
    BAD_REQUEST(
            ResponseFlag.CONNECT,
            true,
            "malformed request",
            "The peer's request is no CONNECT that can be served; the detail says what is wrong with it."),
    LIMIT_REACHED(
            ResponseFlag.CONNECT,
            true,
            "limit reached",
            "A limit on connections, tunnels or streams was reached; the detail names it, docs/configuration.md says how to raise it."),
    DRAINED(
            ResponseFlag.NONE,
            false,
            "closed by drain",
            "The agent or the pod was shutting down and the connection ended in an orderly way."),
    DRAIN_DEADLINE(
            ResponseFlag.NONE,
            false,
            "drain deadline",
            "The agent was told to stop and the connection was still open at the deadline; raise the termination deadline if it should have lived longer."),
    POD_REMOVED(ResponseFlag.NONE, false, "pod removed", "The pod left the mesh or was deleted."),
    BUG(
            ResponseFlag.CONNECT,
            true,
            "internal error",
            "The agent itself is wrong; please report the log entry with its stack trace.");

    private final ResponseFlag openingFlag;
    private final ResponseFlag flag;
    private final boolean failure;
    private final String text;
    private final String sentence;

    CloseReason(ResponseFlag flag, boolean failure, String text, String sentence) {
        this(flag, flag, failure, text, sentence);
    }

    /** A failure of HTTP/2, which is told apart by whether the connection was already open. */
    CloseReason(ResponseFlag openingFlag, ResponseFlag flag, String text, String sentence) {
        this(openingFlag, flag, true, text, sentence);
    }

    CloseReason(ResponseFlag openingFlag, ResponseFlag flag, boolean failure, String text, String sentence) {
        this.openingFlag = openingFlag;
        this.flag = flag;
        this.failure = failure;
        this.text = text;
        this.sentence = sentence;
    }

    /** The {@code response_flags} label of a connection that was open: its bytes were being relayed, or could have been. */
    public ResponseFlag flag() {
        return flag;
    }

    /** The {@code response_flags} label of a connection that was still being opened. */
    public ResponseFlag openingFlag() {
        return openingFlag;
    }

    /** Whether it counts as a failed connection. */
    public boolean isFailure() {
        return failure;
    }

    /** Whether one of the applications broke the connection off, which is theirs to do and nobody's failure. */
    public boolean isReset() {
        return this == RESET_BY_APPLICATION || this == RESET_BY_PEER;
    }

    /** The {@code error} of the access log, or its {@code reset}. */
    public String text() {
        return text;
    }

    /** What it means and what to do about it. */
    public String sentence() {
        return sentence;
    }

    /** The {@code reason} label. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
