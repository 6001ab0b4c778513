package io.culvert.cni.redirect;

/** The kernel or a tool did not do what was asked; the message says which command and what it answered. */
public final class RedirectException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is. */
    public enum Code {
        /** A program that is needed is not installed. */
        TOOL_MISSING,
        /** A program ended with an error. */
        TOOL_FAILED,
        /** A program took too long and was killed. */
        TIMEOUT,
        /** A program said more than anybody reads. */
        OUTPUT_TOO_LONG,
        /** The namespace does not exist, any more or yet. */
        NETNS_GONE,
        /** The namespace is the agent's own, where redirect rules would cut the node off. */
        NETNS_OWN,
        /** The kernel does not tell us of changes in the namespace. */
        NOT_WATCHED
    }

    private final Code code;

    RedirectException(Code code, String message) {
        super(message);
        this.code = code;
    }

    /** What kind of failure it is. */
    public Code code() {
        return code;
    }
}
