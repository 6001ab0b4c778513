package io.culvert.agent.certs;

/** What the verifier throws, for tests of those who catch it. */
public final class Rejections {
    private Rejections() {}

    /** A rejection. */
    public static PeerRejectedException of(PeerRejectedException.Why why, String message) {
        return new PeerRejectedException(why, message);
    }
}
