package io.culvert.protocol.identity;

/** Who a peer proved to be, or why nothing is known of it. */
public sealed interface PeerIdentity {
    /** The peer's certificate chained to our roots and carried this id. */
    record Verified(SpiffeId id) implements PeerIdentity {}

    /** The peer proved nothing. */
    record Absent(Reason reason) implements PeerIdentity {}

    /** Why a peer has no identity. */
    enum Reason {
        PLAINTEXT("the connection came in plaintext"),
        NO_SPIFFE_SAN("the peer's certificate names no SPIFFE id");

        private final String sentence;

        Reason(String sentence) {
            this.sentence = sentence;
        }

        public String sentence() {
            return sentence;
        }
    }

    PeerIdentity PLAINTEXT = new Absent(Reason.PLAINTEXT);
}
