package io.culvert.testkit;

import java.util.List;

/** What a program said and how it ended. */
public record CommandResult(List<String> command, int exit, String out, String err) {
    /** Whether it ended with 0. */
    public boolean ok() {
        return exit == 0;
    }

    /** Itself, if the program ended with 0; an {@link AssertionError} with everything it said if not. */
    public CommandResult expectOk() {
        return expectExit(0);
    }

    /** Itself, if the program ended with this number; an {@link AssertionError} with everything it said if not. */
    public CommandResult expectExit(int wanted) {
        if (exit != wanted) {
            throw new AssertionError("exit " + exit + ", wanted " + wanted + ": " + this);
        }
        return this;
    }

    @Override
    public String toString() {
        return String.join(" ", command) + "\n" + out + err + "(exit " + exit + ")";
    }
}
