package io.culvert.agent.resolve;

import io.culvert.protocol.net.IpAddress;
import java.time.Duration;
import java.util.List;

/**
 * Asks the name servers.
 *
 * <p>Runs on: one thread of its own, where {@link #execute} leads. Bounds: each question is answered or given up within a
 * time.
 */
public interface Lookup {
    /** What came of a question. */
    sealed interface Answer {
        /**
         * There are addresses.
         *
         * @param addresses at least one, of either family
         * @param validFor how long they may be used
         */
        record Found(List<IpAddress> addresses, Duration validFor) implements Answer {
            /** Copies. */
            public Found {
                addresses = List.copyOf(addresses);
                if (addresses.isEmpty()) {
                    throw new IllegalArgumentException("found without an address");
                }
            }
        }

        /** There are none, or nobody answered. */
        record Failed(String why) implements Answer {}
    }

    /** Told once, on the lookup's thread. */
    @FunctionalInterface
    interface Listener {
        /** The answer. */
        void onAnswer(Answer answer);
    }

    /** Runs a task on the lookup's thread. */
    void execute(Runnable task);

    /** Asks; to be called on the lookup's thread. */
    void ask(String hostname, Listener listener);
}
