package io.culvert.agent.mesh;

import org.jspecify.annotations.Nullable;

/** Values by a name and what scopes it. Looking up allocates nothing. */
final class NameIndex<V> extends Index<Link<String, V>> {
    NameIndex() {}

    NameIndex(NameIndex<V> source) {
        super(source);
    }

    @Nullable
    Link<String, V> find(String first, String second) {
        int slot = slot(hash(first, second));
        Link<String, V> link = at(slot);
        while (link != null && !(link.first().equals(first) && link.second().equals(second))) {
            slot = next(slot);
            link = at(slot);
        }
        return link;
    }

    /** Makes a chain the only one under its key; a null chain leaves nothing there. */
    void replace(@Nullable Link<String, V> before, @Nullable Link<String, V> after) {
        if (after != null) {
            put(after);
        } else if (before != null) {
            remove(before);
        }
    }

    @Override
    int hash(Link<String, V> link) {
        return hash(link.first(), link.second());
    }

    @Override
    boolean sameKey(Link<String, V> one, Link<String, V> other) {
        return one.first().equals(other.first()) && one.second().equals(other.second());
    }

    private static int hash(String first, String second) {
        return mix(first.hashCode() * 0x1_0000_01b3L + second.hashCode());
    }
}
