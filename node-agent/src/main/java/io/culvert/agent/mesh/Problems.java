package io.culvert.agent.mesh;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What could not be honoured, by kind and subject. Immutable.
 *
 * <p>Bounds: the first 1,000 by name are listed, then one that says so.
 */
final class Problems {
    static final Problems NONE = new Problems(Map.of(), Map.of());
    static final int LISTED_MAX = 1_000;

    private record Key(MeshProblem.Kind kind, String subject) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byKind = kind.compareTo(other.kind);
            return byKind != 0 ? byKind : subject.compareTo(other.subject);
        }
    }

    /** Of records themselves; carried from snapshot to snapshot. */
    private final Map<Key, String> ofRecords;
    /** Of workloads that name policies; found anew when either changes. */
    private final Map<Key, String> ofPolicies;

    private Problems(Map<Key, String> ofRecords, Map<Key, String> ofPolicies) {
        this.ofRecords = ofRecords;
        this.ofPolicies = ofPolicies;
    }

    List<MeshProblem> all() {
        Map<Key, String> sorted = new TreeMap<>(ofRecords);
        sorted.putAll(ofPolicies);
        List<MeshProblem> all = new ArrayList<>();
        for (Map.Entry<Key, String> each : sorted.entrySet()) {
            if (all.size() == LISTED_MAX) {
                all.add(new MeshProblem(
                        MeshProblem.Kind.TOO_MANY, "", (sorted.size() - LISTED_MAX) + " more problems are not listed"));
                break;
            }
            all.add(new MeshProblem(each.getKey().kind(), each.getKey().subject(), each.getValue()));
        }
        return List.copyOf(all);
    }

    /** Collects what the next snapshot has to report. */
    static final class Change {
        private Map<Key, String> ofRecords;
        private Map<Key, String> ofPolicies;
        private boolean ownsRecords;

        Change(Problems base) {
            this.ofRecords = base.ofRecords;
            this.ofPolicies = base.ofPolicies;
        }

        void report(MeshProblem.Kind kind, String subject, String sentence) {
            ownRecords().put(new Key(kind, subject), sentence);
        }

        void clear(MeshProblem.Kind kind, String subject) {
            Key key = new Key(kind, subject);
            if (ofRecords.containsKey(key)) {
                ownRecords().remove(key);
            }
        }

        void forgetPolicies() {
            ofPolicies = new TreeMap<>();
        }

        void reportPolicy(String name, String sentence) {
            ofPolicies.put(new Key(MeshProblem.Kind.UNKNOWN_POLICY, name), sentence);
        }

        Problems done() {
            return new Problems(ofRecords, ofPolicies);
        }

        private Map<Key, String> ownRecords() {
            if (!ownsRecords) {
                ofRecords = new TreeMap<>(ofRecords);
                ownsRecords = true;
            }
            return ofRecords;
        }
    }
}
