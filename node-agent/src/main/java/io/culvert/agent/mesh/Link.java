package io.culvert.agent.mesh;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One value under a two-part key, and the further values under the same key.
 *
 * @param first an address, or a name
 * @param second what scopes it: a network, or a namespace
 * @param value the value
 * @param next the less preferred values of the same key
 */
record Link<K, V>(K first, String second, V value, @Nullable Link<K, V> next) {
    /** The chain with a value put before the first one that the predicate does not hold back. */
    static <K, V> Link<K, V> insert(
            @Nullable Link<K, V> chain, K first, String second, V value, Predicate<V> staysBefore) {
        Deque<Link<K, V>> before = new ArrayDeque<>();
        Link<K, V> at = chain;
        while (at != null && staysBefore.test(at.value)) {
            before.push(at);
            at = at.next;
        }
        return prepend(before, new Link<>(first, second, value, at));
    }

    /** The chain without the first value that the predicate holds for; null when nothing is left. */
    static <K, V> @Nullable Link<K, V> without(@Nullable Link<K, V> chain, Predicate<V> unwanted) {
        Deque<Link<K, V>> before = new ArrayDeque<>();
        for (Link<K, V> at = chain; at != null; at = at.next) {
            if (unwanted.test(at.value)) {
                return before.isEmpty() ? at.next : rebuilt(before, at.next);
            }
            before.push(at);
        }
        return chain;
    }

    /** The chain with the first value that the predicate holds for exchanged; null when there is none. */
    static <K, V> @Nullable Link<K, V> exchange(@Nullable Link<K, V> chain, Predicate<V> wanted, V value) {
        Deque<Link<K, V>> before = new ArrayDeque<>();
        for (Link<K, V> at = chain; at != null; at = at.next) {
            if (wanted.test(at.value)) {
                return prepend(before, new Link<>(at.first, at.second, value, at.next));
            }
            before.push(at);
        }
        return null;
    }

    private static <K, V> @Nullable Link<K, V> rebuilt(Deque<Link<K, V>> before, @Nullable Link<K, V> rest) {
        Link<K, V> last = before.pop();
        return prepend(before, new Link<>(last.first, last.second, last.value, rest));
    }

    private static <K, V> Link<K, V> prepend(Deque<Link<K, V>> before, Link<K, V> rest) {
        Link<K, V> chain = rest;
        for (Link<K, V> link : before) {
            chain = new Link<>(link.first, link.second, link.value, chain);
        }
        return chain;
    }
}
