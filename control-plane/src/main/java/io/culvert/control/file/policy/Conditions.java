package io.culvert.control.file.policy;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.StringMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The values that a rule compares with: texts with {@code *}, service accounts, prefixes of addresses, ports.
 *
 * <p>Errors: an empty list is refused wherever it stands, since it would constrain nothing.
 */
final class Conditions {
    private static final String PRINCIPAL_FIX =
            "write it as cluster.local/ns/<namespace>/sa/<service account>, or with '*' at one end";

    private Conditions() {}

    static List<StringMatch> namespaces(Fields fields, String key) {
        return entries(
                fields.field(key), Conditions::namespace, "write a namespace, or part of one with '*' at one end");
    }

    static List<StringMatch> principals(Fields fields, String key) {
        return entries(fields.field(key), Conditions::principal, PRINCIPAL_FIX);
    }

    /** Accounts as {@code namespace/account}, or {@code account} of the policy's own namespace. */
    static List<ServiceAccountMatch> serviceAccounts(Fields fields, String key, String namespace) {
        return entries(
                fields.field(key),
                text -> serviceAccount(text, namespace),
                "write <namespace>/<service account>, without '*'");
    }

    static List<Cidr> blocks(Fields fields, String key) {
        return entries(fields.field(key), Cidr::parse, "write an address or a prefix, such as 10.0.0.0/8 or fd00::/8");
    }

    static List<Integer> ports(Fields fields, String key) {
        Field field = fields.field(key);
        if (field == null) {
            return List.of();
        }
        return field.listOfSome().stream()
                .map(port -> port.number(1, 65_535, 0))
                .toList();
    }

    private static <T> List<T> entries(@Nullable Field list, Function<String, T> parser, String fix) {
        List<T> entries = new ArrayList<>();
        for (Field entry : list == null ? List.<Field>of() : list.listOfSome()) {
            T value = entry.parsed(parser, fix);
            if (value != null) {
                entries.add(value);
            }
        }
        return entries;
    }

    private static StringMatch principal(String text) {
        if (text.startsWith("spiffe://")) {
            throw new IllegalArgumentException("a principal is written without 'spiffe://'");
        }
        StringMatch match = pattern(text);
        if (match instanceof StringMatch.Exact) {
            String[] parts = text.split("/", -1);
            if (parts.length != 5 || !parts[1].equals("ns") || !parts[3].equals("sa")) {
                throw new IllegalArgumentException("this is not a principal, so it would never match");
            }
            new TrustDomain(parts[0]);
            Names.label(parts[2]);
            Names.subdomain(parts[4]);
        }
        return match;
    }

    private static StringMatch namespace(String text) {
        StringMatch match = pattern(text);
        if (match instanceof StringMatch.Exact) {
            Names.label(text);
        }
        return match;
    }

    private static ServiceAccountMatch serviceAccount(String text, String namespace) {
        int slash = text.indexOf('/');
        String account = Names.subdomain(text.substring(slash + 1));
        return new ServiceAccountMatch(slash < 0 ? namespace : Names.label(text.substring(0, slash)), account);
    }

    /** {@code *} is any text that is not empty, {@code x*} a beginning, {@code *x} an end, anything else is itself. */
    static StringMatch pattern(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("is empty, so it would never match");
        }
        if (text.equals("*")) {
            return new StringMatch.Presence();
        }
        boolean open = text.endsWith("*");
        boolean suffix = text.startsWith("*");
        String rest = text.substring(suffix ? 1 : 0, open ? text.length() - 1 : text.length());
        if (rest.indexOf('*') >= 0 || open && suffix) {
            throw new IllegalArgumentException("'*' may stand only at the beginning or at the end");
        }
        if (open) {
            return new StringMatch.Prefix(rest);
        }
        return suffix ? new StringMatch.Suffix(rest) : new StringMatch.Exact(rest);
    }
}
