package io.culvert.agent.resolve;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Ticker;
import io.culvert.protocol.net.IpAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Finds an address of a hostname: one at random of the wanted family, else of the other. Answers are kept for as long as they
 * are valid, failures for a moment, so that a name that many connections want is asked for once.
 *
 * <p>Runs on: {@link #resolve} on any loop, which is never blocked; what is asked and what is kept changes on the lookup's
 * thread alone.
 *
 * <p>Bounds: {@link #NAMES_MAX} names kept, the eldest goes first; {@link #WAITING_MAX} who wait; {@link #PATIENCE} for each.
 */
public final class HostnameResolver {
    /** Told once how it ended, on the loop of who asked. */
    public interface Listener {
        /** An address. */
        void onResolved(IpAddress ip);

        /** There is none. */
        void onUnresolved(String why);
    }

    static final int NAMES_MAX = 4_096;
    static final int WAITING_MAX = 8_192;
    static final Duration PATIENCE = Duration.ofSeconds(10);
    static final Duration FAILURE_VALID_FOR = Duration.ofSeconds(1);
    private static final Duration VALID_FOR_MIN = Duration.ofSeconds(1);
    private static final Duration VALID_FOR_MAX = Duration.ofDays(1);

    private record Kept(Lookup.Answer answer, long untilNanos) {}

    private final Lookup lookup;
    private final Ticker ticker;
    private final RandomGenerator random;
    private final Map<String, Kept> kept = new ConcurrentHashMap<>();
    // On the lookup's thread alone.
    private final ArrayDeque<String> eldestFirst = new ArrayDeque<>();
    private final Map<String, List<Wish>> wishes = new HashMap<>();
    private int waiting;

    /** @param random for any thread */
    public HostnameResolver(Lookup lookup, Ticker ticker, RandomGenerator random) {
        this.lookup = lookup;
        this.ticker = ticker;
        this.random = random;
    }

    /**
     * Finds an address; the listener may be told before this returns.
     *
     * @param preferV4 the family that is wanted if there is an address of it
     * @return ends the wish without a further word
     */
    public Runnable resolve(Loop loop, String hostname, boolean preferV4, Listener listener) {
        Wish wish = new Wish(loop, hostname, preferV4, listener);
        Lookup.Answer known = known(hostname);
        if (known != null) {
            wish.fulfil(known);
        } else {
            wish.begin();
        }
        return wish;
    }

    private Lookup.@Nullable Answer known(String hostname) {
        Kept held = kept.get(hostname);
        return held != null && held.untilNanos - ticker.nanoTime() > 0 ? held.answer : null;
    }

    // ---- on the lookup's thread -------------------------------------------------------------------------------------

    private void ask(Wish wish) {
        Lookup.Answer known = known(wish.hostname);
        if (known != null) {
            wish.answer(known);
            return;
        }
        if (waiting >= WAITING_MAX) {
            wish.answer(new Lookup.Answer.Failed("too many connections wait for hostnames"));
            return;
        }
        waiting++;
        List<Wish> alike = wishes.get(wish.hostname);
        if (alike != null) {
            alike.add(wish);
            return;
        }
        wishes.put(wish.hostname, new ArrayList<>(List.of(wish)));
        lookup.ask(wish.hostname, answer -> onAnswer(wish.hostname, answer));
    }

    private void onAnswer(String hostname, Lookup.Answer answer) {
        keep(hostname, answer);
        List<Wish> told = wishes.remove(hostname);
        if (told != null) {
            waiting -= told.size();
            told.forEach(wish -> wish.answer(answer));
        }
    }

    private void keep(String hostname, Lookup.Answer answer) {
        Duration validFor = switch (answer) {
            case Lookup.Answer.Found found -> clamp(found.validFor());
            case Lookup.Answer.Failed _ -> FAILURE_VALID_FOR;
        };
        if (kept.put(hostname, new Kept(answer, ticker.nanoTime() + validFor.toNanos())) == null) {
            eldestFirst.addLast(hostname);
        }
        while (eldestFirst.size() > NAMES_MAX) {
            kept.remove(eldestFirst.removeFirst());
        }
    }

    private static Duration clamp(Duration validFor) {
        if (validFor.compareTo(VALID_FOR_MIN) < 0) {
            return VALID_FOR_MIN;
        }
        return validFor.compareTo(VALID_FOR_MAX) > 0 ? VALID_FOR_MAX : validFor;
    }

    /** How many names are kept now. */
    int names() {
        return kept.size();
    }

    /** Somebody who wants one address. */
    private final class Wish implements Runnable {
        private final Loop loop;
        private final String hostname;
        private final boolean preferV4;
        private final Listener listener;
        private final Deadline deadline = new Deadline();
        private boolean over;

        Wish(Loop loop, String hostname, boolean preferV4, Listener listener) {
            this.loop = loop;
            this.hostname = hostname;
            this.preferV4 = preferV4;
            this.listener = listener;
        }

        void begin() {
            deadline.start(
                    loop,
                    () -> fulfil(new Lookup.Answer.Failed("no name server answered in time")),
                    PATIENCE.toNanos());
            lookup.execute(() -> ask(this));
        }

        /** Runs on: the lookup's thread. */
        void answer(Lookup.Answer answer) {
            loop.execute(() -> fulfil(answer));
        }

        void fulfil(Lookup.Answer answer) {
            if (over) {
                return;
            }
            run();
            switch (answer) {
                case Lookup.Answer.Found found -> listener.onResolved(pick(found.addresses()));
                case Lookup.Answer.Failed failed -> listener.onUnresolved(failed.why());
            }
        }

        private IpAddress pick(List<IpAddress> addresses) {
            List<IpAddress> wanted =
                    addresses.stream().filter(ip -> ip.isV4() == preferV4).toList();
            List<IpAddress> from = wanted.isEmpty() ? addresses : wanted;
            return from.get(random.nextInt(from.size()));
        }

        @Override
        public void run() {
            over = true;
            deadline.cancel();
        }
    }
}
