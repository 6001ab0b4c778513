package io.culvert.protocol.policy;

import java.util.List;

/** All of its clauses must hold; without clauses it holds for every connection. */
public record Rule(List<Clause> clauses) {
    public Rule {
        clauses = List.copyOf(clauses);
    }
}
