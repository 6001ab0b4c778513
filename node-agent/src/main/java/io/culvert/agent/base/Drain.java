package io.culvert.agent.base;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Shuts a set of components down: first gracefully, then, at a deadline, by force.
 *
 * <p>A component joins with what it does in either phase and releases its token when nothing of it is left. Draining is
 * over when every token is released; after the deadline a component that still holds its token has been told to let go
 * at once, and {@link #done()} completes without waiting for it any longer.
 *
 * <p>Runs on: any; listeners run on the thread that starts the drain or on the alarm's, never under a lock. A component
 * that joins while a drain is under way is told at once, on its own thread.
 */
public final class Drain {
    /** How far a drain has come. */
    public enum Phase {
        RUNNING,
        DRAINING,
        FORCED,
        DONE
    }

    /** How a drain ended. */
    public enum Outcome {
        GRACEFUL,
        FORCED
    }

    /** What a component does when it is drained. */
    public interface Participant {
        /** Takes no new work and ends what can be ended in an orderly way; must not block. */
        void drainStarted(Duration deadline);

        /** Ends everything now; must not block. */
        void drainForced();
    }

    /** A component's promise to say when nothing of it is left. */
    public final class Token {
        private final String name;
        private final Participant participant;

        private Token(String name, Participant participant) {
            this.name = name;
            this.participant = participant;
        }

        /** Nothing of the component is left; releasing twice does nothing. */
        public void release() {
            Drain.this.release(this);
        }
    }

    private final Alarm alarm;
    private final Set<Token> held = new LinkedHashSet<>();
    private final CompletableFuture<Outcome> done = new CompletableFuture<>();
    private Phase phase = Phase.RUNNING;
    private Duration deadline = Duration.ZERO;

    public Drain(Alarm alarm) {
        this.alarm = alarm;
    }

    /** Adds a component. */
    public Token join(String name, Participant participant) {
        Token token = new Token(name, participant);
        Phase seen;
        Duration seenDeadline;
        synchronized (this) {
            if (phase != Phase.DONE) {
                held.add(token);
            }
            seen = phase;
            seenDeadline = deadline;
        }
        if (seen != Phase.RUNNING) {
            participant.drainStarted(seenDeadline);
        }
        if (seen == Phase.FORCED || seen == Phase.DONE) {
            participant.drainForced();
        }
        return token;
    }

    /**
     * Starts draining; a deadline of zero forces at once. Starting again can only shorten what is left, never lengthen
     * it.
     */
    public void start(Duration deadlineFromNow) {
        List<Token> told = List.of();
        synchronized (this) {
            if (phase == Phase.RUNNING) {
                phase = Phase.DRAINING;
                deadline = deadlineFromNow;
                told = new ArrayList<>(held);
            }
        }
        told.forEach(token -> token.participant.drainStarted(deadlineFromNow));
        completeIfReleased();
        if (deadlineFromNow.isZero() || deadlineFromNow.isNegative()) {
            force();
        } else if (!done.isDone()) {
            alarm.after(deadlineFromNow, this::force);
        }
    }

    public synchronized Phase phase() {
        return phase;
    }

    /** The components that have not released yet, in the order in which they joined. */
    public synchronized List<String> waitingFor() {
        return held.stream().map(token -> token.name).toList();
    }

    /** Completes when every token is released, or once the deadline has forced those that were not. */
    public CompletableFuture<Outcome> done() {
        return done.copy();
    }

    private void release(Token token) {
        synchronized (this) {
            held.remove(token);
        }
        completeIfReleased();
    }

    private void completeIfReleased() {
        synchronized (this) {
            if (phase != Phase.DRAINING || !held.isEmpty()) {
                return;
            }
            phase = Phase.DONE;
        }
        done.complete(Outcome.GRACEFUL);
    }

    private void force() {
        List<Token> forced;
        synchronized (this) {
            if (phase != Phase.DRAINING) {
                return;
            }
            phase = Phase.FORCED;
            forced = new ArrayList<>(held);
        }
        @Nullable RuntimeException failure = null;
        for (Token token : forced) {
            try {
                token.participant.drainForced();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        finishForced(failure);
    }

    private void finishForced(@Nullable RuntimeException failure) {
        synchronized (this) {
            phase = Phase.DONE;
        }
        if (failure == null) {
            done.complete(Outcome.FORCED);
        } else {
            done.completeExceptionally(failure);
        }
    }
}
