package io.culvert.protocol.zds;

/** What the other end did wrong, and what follows. */
public enum ZdsFault {
    UNUSABLE("the pod's uid, name, namespace or service account cannot be used", Consequence.ANSWER),
    TRUNCATED("the packet is longer than 1024 bytes", Consequence.RECONNECT),
    UNDECODABLE("the packet is not the message that is due", Consequence.RECONNECT),
    NO_PAYLOAD("the message says nothing", Consequence.RECONNECT),
    NO_DESCRIPTOR("a pod was added without its network namespace", Consequence.RECONNECT),
    UNEXPECTED_DESCRIPTOR("a message carries a descriptor that it must not have", Consequence.RECONNECT),
    SEVERAL_DESCRIPTORS("a message carries more than one descriptor", Consequence.RECONNECT),
    UNSOLICITED("an answer came that nothing asked for", Consequence.RECONNECT),
    UNKNOWN_VERSION("the other end speaks another version", Consequence.RECONNECT),
    NO_WORKLOAD_INFO("a pod was added without saying which workload it is", Consequence.FATAL),
    KEEP_AFTER_SNAPSHOT("a pod was kept after the snapshot's end", Consequence.FATAL),
    SECOND_SNAPSHOT("the snapshot ended twice", Consequence.FATAL);

    private final String sentence;
    private final Consequence consequence;

    ZdsFault(String sentence, Consequence consequence) {
        this.sentence = sentence;
        this.consequence = consequence;
    }

    /** What follows from a fault. */
    public enum Consequence {
        /** The message is answered with an error, and the connection goes on. */
        ANSWER,
        /** After the answer, if one is due, the connection is closed; a new one begins with a new snapshot. */
        RECONNECT,
        /** The two ends do not understand each other; after the answer the proxy ends. */
        FATAL
    }

    public String sentence() {
        return sentence;
    }

    public Consequence consequence() {
        return consequence;
    }
}
