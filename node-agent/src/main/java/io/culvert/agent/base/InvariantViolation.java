package io.culvert.agent.base;

/** The agent's own code is wrong; whoever catches it closes the one connection concerned and counts it. */
public final class InvariantViolation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InvariantViolation(String whatMustHold) {
        super(whatMustHold);
    }
}
