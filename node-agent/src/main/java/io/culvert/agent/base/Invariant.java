package io.culvert.agent.base;

/** States what must hold if the agent's own code is right; never used for what a peer or a user can cause. */
public final class Invariant {
    private Invariant() {}

    /**
     * Does nothing when it holds.
     *
     * <p>Errors: {@link InvariantViolation} when it does not.
     */
    public static void check(boolean holds, String whatMustHold) {
        if (!holds) {
            throw new InvariantViolation(whatMustHold);
        }
    }
}
