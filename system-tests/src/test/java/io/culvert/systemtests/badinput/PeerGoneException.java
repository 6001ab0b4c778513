package io.culvert.systemtests.badinput;

import java.io.IOException;

/** The other end is gone: how it went. */
public final class PeerGoneException extends IOException {
    private static final long serialVersionUID = 1;

    /** How. */
    public enum How {
        /** TCP FIN. */
        FIN,
        /** TCP RST. */
        RST,
        /** A TLS alert; the detail names it. */
        ALERT
    }

    private final How how;

    public PeerGoneException(How how, String detail) {
        super(how + (detail.isEmpty() ? "" : " " + detail));
        this.how = how;
    }

    public How how() {
        return how;
    }
}
