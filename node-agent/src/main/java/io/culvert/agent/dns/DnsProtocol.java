package io.culvert.agent.dns;

/** What carries a query. */
enum DnsProtocol {
    UDP("udp"),
    TCP("tcp");

    private final String label;

    DnsProtocol(String label) {
        this.label = label;
    }

    /** As metrics tell it. */
    String label() {
        return label;
    }
}
