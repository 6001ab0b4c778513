package io.culvert.agent.telemetry;

import java.util.Locale;

/** What a peer did that no honest peer of ours does; each is refused, and counted by this kind. */
public enum BadPeer {
    NOT_TLS("bytes that are no TLS handshake arrived at the HBONE port"),
    TLS_HANDSHAKE("a TLS handshake failed for a reason that has no kind of its own"),
    HANDSHAKE_TIMEOUT("a TLS handshake or HTTP/2 preface did not finish in time"),
    NO_CERTIFICATE("no client certificate was presented"),
    UNTRUSTED_CERTIFICATE("a certificate does not chain to our roots"),
    REVOKED_CERTIFICATE("a certificate, or its authority's, is revoked"),
    EXPIRED_CERTIFICATE("a certificate is expired or not valid yet"),
    BAD_SPIFFE_ID("a certificate carries no SPIFFE id, more than one, or a malformed one"),
    OTHER_TRUST_DOMAIN("a certificate belongs to another trust domain"),
    WRONG_IDENTITY("a server proved an identity other than those expected of the destination"),
    HTTP2_PROTOCOL("a peer broke the HTTP/2 protocol"),
    HTTP2_FLOW_CONTROL("a peer sent more than its window"),
    HTTP2_FLOOD("a peer sent control frames, resets or empty frames faster than any honest peer would"),
    HEADERS_TOO_LARGE("a peer's headers passed a limit"),
    BAD_METHOD("a request was no plain CONNECT"),
    BAD_AUTHORITY("a CONNECT's authority is malformed"),
    FOREIGN_DESTINATION("a CONNECT asked for an address that is not the pod's"),
    OWN_PORT("a connection aimed at one of the agent's own ports"),
    UNRESPONSIVE("a peer stopped answering and was given up"),
    LIMIT("a peer passed a limit on connections, tunnels or streams");

    private final String sentence;

    BadPeer(String sentence) {
        this.sentence = sentence;
    }

    /** What the peer did. */
    public String sentence() {
        return sentence;
    }

    /** The {@code kind} label. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
