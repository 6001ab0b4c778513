package io.culvert.agent.dns;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.protocol.dns.DnsCacheable;
import io.culvert.protocol.dns.DnsExchange;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The answers that a pod was given on one loop, each for the very same request by the same protocol, until its
 * time has come.
 *
 * <p>Runs on: its loop. Bounds: the space that all loops of the pod share, {@link #ANSWERS_MAX} and {@link
 * #BYTES_MAX}, which is part of all pods' {@link #BYTES_OF_ALL_PODS_MAX}: what was longest not asked for gives
 * way; {@link #ANSWER_BYTES_MAX} each.
 */
final class AnswerCache {
    /** Answers of one pod. */
    static final int ANSWERS_MAX = 8_192;

    /** Their bytes, what it takes to find them included. */
    static final long BYTES_MAX = 2L << 20;

    /** The same of all pods of the node. */
    static final long BYTES_OF_ALL_PODS_MAX = 32L << 20;

    /** A longer one would drive out many. */
    static final int ANSWER_BYTES_MAX = 16 * 1_024;

    /** How long what has outlived its time may take up space. */
    static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** Of the objects that one answer is made of, roughly. */
    private static final int OVERHEAD_BYTES = 256;

    private static final int EXPECTED = 16;
    private static final float LOAD = 0.75f;

    private final Loop loop;
    private final CacheSpace space;
    private final LinkedHashMap<Key, Kept> answers = new LinkedHashMap<>(EXPECTED, LOAD, true);
    private final Deadline sweep = new Deadline();
    private boolean closed;

    /**
     * All of a request but its id.
     *
     * <p>Comparable, so that a pod that makes many of one hash finds them hardly slower.
     */
    private static final class Key implements Comparable<Key> {
        private static final int ID_BYTES = 2;

        private final byte[] request;
        private final DnsProtocol protocol;
        private final int hash;

        Key(byte[] request, DnsProtocol protocol) {
            this.request = Arrays.copyOfRange(request, ID_BYTES, request.length);
            this.protocol = protocol;
            this.hash = 31 * Arrays.hashCode(this.request) + protocol.label().hashCode();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key key && compareTo(key) == 0;
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public int compareTo(Key other) {
            int byProtocol = protocol.compareTo(other.protocol);
            return byProtocol != 0 ? byProtocol : Arrays.compare(request, other.request);
        }
    }

    /** An answer, and since when it is here. */
    private record Kept(DnsCacheable answer, int bytes, long sinceNanos) {
        boolean isOver(long now) {
            return now - sinceNanos >= TimeUnit.SECONDS.toNanos(answer.seconds());
        }
    }

    AnswerCache(Loop loop, CacheSpace space) {
        this.loop = loop;
        this.space = space;
    }

    /** The answer to a request, under its id; null when none is remembered. */
    byte @Nullable [] find(byte[] request, DnsProtocol protocol) {
        Key key = new Key(request, protocol);
        Kept kept = answers.get(key);
        if (kept == null) {
            return null;
        }
        long now = loop.nanoTime();
        if (kept.isOver(now)) {
            forget(key);
            return null;
        }
        int age = (int) TimeUnit.NANOSECONDS.toSeconds(now - kept.sinceNanos());
        return kept.answer().given(DnsExchange.id(request), age);
    }

    /** Remembers an answer that has just come, if it may be. */
    void keep(byte[] request, DnsProtocol protocol, byte[] response) {
        int bytes = OVERHEAD_BYTES + request.length + response.length;
        DnsCacheable answer = closed || bytes > ANSWER_BYTES_MAX ? null : DnsCacheable.of(request, response);
        if (answer == null) {
            return;
        }
        Key key = new Key(request, protocol);
        forget(key);
        Kept kept = new Kept(answer, OVERHEAD_BYTES + request.length + answer.bytes(), loop.nanoTime());
        while (!space.take(kept.bytes())) {
            if (answers.isEmpty()) {
                return;
            }
            forget(answers.firstEntry().getKey());
        }
        answers.put(key, kept);
        if (!sweep.isSet()) {
            sweep.start(loop, this::sweep, SWEEP_NANOS);
        }
    }

    private void forget(Key key) {
        Kept gone = answers.remove(key);
        if (gone != null) {
            space.giveBack(gone.bytes());
        }
    }

    private void sweep() {
        sweep.cancel();
        long now = loop.nanoTime();
        for (Iterator<Map.Entry<Key, Kept>> each = answers.entrySet().iterator(); each.hasNext(); ) {
            Kept kept = each.next().getValue();
            if (kept.isOver(now)) {
                each.remove();
                space.giveBack(kept.bytes());
            }
        }
        if (!answers.isEmpty()) {
            sweep.start(loop, this::sweep, SWEEP_NANOS);
        }
    }

    /** Forgets everything. */
    void clear() {
        sweep.cancel();
        answers.values().forEach(kept -> space.giveBack(kept.bytes()));
        answers.clear();
    }

    /** Forgets everything, and remembers nothing from now on. */
    void close() {
        closed = true;
        clear();
    }
}
