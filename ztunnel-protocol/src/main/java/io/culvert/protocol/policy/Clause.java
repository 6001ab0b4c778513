package io.culvert.protocol.policy;

import java.util.List;

/** Any of its matches suffices; without matches it holds for every connection. */
public record Clause(List<Match> matches) {
    public Clause {
        matches = List.copyOf(matches);
    }
}
