package io.culvert.agent.admin;

import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import java.io.IOException;
import java.util.List;

/** Writes policies; conditions that are not there are left out. */
final class PolicyDump {
    private final JsonGenerator json;

    PolicyDump(JsonGenerator json) {
        this.json = json;
    }

    void write(Policy policy) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", policy.key().name());
        json.writeStringField("namespace", policy.namespace());
        json.writeStringField("scope", Words.pascal(policy.scope()));
        json.writeStringField("action", Words.pascal(policy.action()));
        json.writeArrayFieldStart("rules");
        for (Rule rule : policy.rules()) {
            json.writeStartArray();
            for (Clause clause : rule.clauses()) {
                json.writeStartArray();
                for (Match match : clause.matches()) {
                    match(match);
                }
                json.writeEndArray();
            }
            json.writeEndArray();
        }
        json.writeEndArray();
        json.writeBooleanField("dryRun", policy.dryRun());
        json.writeEndObject();
    }

    private void match(Match match) throws IOException {
        json.writeStartObject();
        list("namespaces", match.namespaces(), this::text);
        list("notNamespaces", match.notNamespaces(), this::text);
        list("serviceAccounts", match.serviceAccounts(), this::account);
        list("notServiceAccounts", match.notServiceAccounts(), this::account);
        list("principals", match.principals(), this::text);
        list("notPrincipals", match.notPrincipals(), this::text);
        list("sourceIps", match.sourceIps(), this::cidr);
        list("notSourceIps", match.notSourceIps(), this::cidr);
        list("destinationIps", match.destinationIps(), this::cidr);
        list("notDestinationIps", match.notDestinationIps(), this::cidr);
        list("destinationPorts", match.destinationPorts(), json::writeNumber);
        list("notDestinationPorts", match.notDestinationPorts(), json::writeNumber);
        json.writeEndObject();
    }

    private interface Element<T> {
        void write(T value) throws IOException;
    }

    private <T> void list(String field, List<T> values, Element<T> element) throws IOException {
        if (values.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart(field);
        for (T value : values) {
            element.write(value);
        }
        json.writeEndArray();
    }

    private void text(StringMatch match) throws IOException {
        json.writeStartObject();
        switch (match) {
            case StringMatch.Exact exact -> json.writeStringField("Exact", exact.value());
            case StringMatch.Prefix prefix -> json.writeStringField("Prefix", prefix.value());
            case StringMatch.Suffix suffix -> json.writeStringField("Suffix", suffix.value());
            case StringMatch.Presence presence -> {
                json.writeArrayFieldStart("Presence");
                json.writeEndArray();
            }
        }
        json.writeEndObject();
    }

    private void account(ServiceAccountMatch match) throws IOException {
        json.writeStartObject();
        json.writeStringField("namespace", match.namespace());
        json.writeStringField("serviceAccount", match.serviceAccount());
        json.writeEndObject();
    }

    private void cidr(Cidr cidr) throws IOException {
        json.writeString(cidr.toString());
    }
}
