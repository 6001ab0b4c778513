package io.culvert.agent.config;

import java.time.Duration;

/**
 * How long opening a connection may take.
 *
 * @param connect the TCP handshake
 * @param handshake the TLS handshake and the HTTP/2 preface
 * @param connectResponse the answer to a CONNECT
 * @param firstCertificate a workload's first certificate
 */
public record TimeoutConfig(
        Duration connect, Duration handshake, Duration connectResponse, Duration firstCertificate) {}
