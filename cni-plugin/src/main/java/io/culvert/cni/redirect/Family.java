package io.culvert.cni.redirect;

/** An address family, with what differs between the two in rules and commands. */
public enum Family {
    /** IPv4. */
    V4("-4", "127.0.0.1/32", "/32", "0.0.0.0/0"),
    /** IPv6. */
    V6("-6", "::1/128", "/128", "::/0");

    private final String ipFlag;
    private final String loopback;
    private final String hostWidth;
    private final String everything;

    Family(String ipFlag, String loopback, String hostWidth, String everything) {
        this.ipFlag = ipFlag;
        this.loopback = loopback;
        this.hostWidth = hostWidth;
        this.everything = everything;
    }

    /** The flag of ip(8). */
    public String ipFlag() {
        return ipFlag;
    }

    /** The loopback address as a prefix of one. */
    public String loopback() {
        return loopback;
    }

    /** The length of a prefix that holds one address, with its slash. */
    public String hostWidth() {
        return hostWidth;
    }

    /** The prefix that holds all addresses. */
    public String everything() {
        return everything;
    }
}
