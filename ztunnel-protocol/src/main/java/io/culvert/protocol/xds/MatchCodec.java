package io.culvert.protocol.xds;

import com.google.protobuf.Empty;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.Policy.Action;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.wire.security.Address;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.List;

/**
 * Matches of one policy between message and record, failing closed where an entry makes no sense.
 *
 * <p>What an entry that cannot be read would have matched is unknown, so the match is replaced by one that is at least
 * as strict whatever it was:
 *
 * <table>
 * <caption>What an unreadable entry does</caption>
 * <tr><th></th><th>in a positive list</th><th>in a negative list</th></tr>
 * <tr><td>ALLOW</td><td>it is left out; if nothing is left the match becomes {@link Match#NEVER}</td>
 * <td>the match becomes {@link Match#NEVER}</td></tr>
 * <tr><td>DENY</td><td>the whole list is left out; if nothing constrains the match any more it becomes {@link
 * Match#ALWAYS}</td><td>it is left out; the same</td></tr>
 * </table>
 */
final class MatchCodec {
    private final String resourceName;
    private final Action action;
    private final List<ConversionFault> warnings;
    private boolean never;
    private boolean relaxed;

    MatchCodec(String resourceName, Action action, List<ConversionFault> warnings) {
        this.resourceName = resourceName;
        this.action = action;
        this.warnings = warnings;
    }

    /** Reads one entry of a list. */
    private interface EntryReader<W, T> {
        T read(W wire) throws ConversionException;
    }

    Match read(io.culvert.protocol.wire.security.Match wire) {
        never = false;
        relaxed = false;
        Match match = new Match(
                positive("namespaces", wire.getNamespacesList(), MatchCodec::text),
                negative("not_namespaces", wire.getNotNamespacesList(), MatchCodec::text),
                positive("service_accounts", wire.getServiceAccountsList(), MatchCodec::account),
                negative("not_service_accounts", wire.getNotServiceAccountsList(), MatchCodec::account),
                positive("principals", wire.getPrincipalsList(), MatchCodec::text),
                negative("not_principals", wire.getNotPrincipalsList(), MatchCodec::text),
                positive("source_ips", wire.getSourceIpsList(), MatchCodec::cidr),
                negative("not_source_ips", wire.getNotSourceIpsList(), MatchCodec::cidr),
                positive("destination_ips", wire.getDestinationIpsList(), MatchCodec::cidr),
                negative("not_destination_ips", wire.getNotDestinationIpsList(), MatchCodec::cidr),
                positive("destination_ports", wire.getDestinationPortsList(), MatchCodec::port),
                negative("not_destination_ports", wire.getNotDestinationPortsList(), MatchCodec::port));
        if (never) {
            return Match.NEVER;
        }
        return relaxed && match.isEmpty() ? Match.ALWAYS : match;
    }

    /** How many conditions a match has. */
    static int conditions(io.culvert.protocol.wire.security.Match wire) {
        return wire.getNamespacesCount()
                + wire.getNotNamespacesCount()
                + wire.getServiceAccountsCount()
                + wire.getNotServiceAccountsCount()
                + wire.getPrincipalsCount()
                + wire.getNotPrincipalsCount()
                + wire.getSourceIpsCount()
                + wire.getNotSourceIpsCount()
                + wire.getDestinationIpsCount()
                + wire.getNotDestinationIpsCount()
                + wire.getDestinationPortsCount()
                + wire.getNotDestinationPortsCount();
    }

    private <W, T> List<T> positive(String field, List<W> wire, EntryReader<W, T> reader) {
        List<T> out = new ArrayList<>(wire.size());
        if (readable(field, wire, reader, out)) {
            return out;
        }
        if (action == Action.ALLOW) {
            never |= out.isEmpty();
            return out;
        }
        relaxed = true;
        return List.of();
    }

    private <W, T> List<T> negative(String field, List<W> wire, EntryReader<W, T> reader) {
        List<T> out = new ArrayList<>(wire.size());
        if (!readable(field, wire, reader, out)) {
            never |= action == Action.ALLOW;
            relaxed |= action == Action.DENY;
        }
        return out;
    }

    /** Reads what can be read; false when some entry could not, which is reported once for the list. */
    private <W, T> boolean readable(String field, List<W> wire, EntryReader<W, T> reader, List<T> out) {
        Reason fault = null;
        for (W entry : wire) {
            try {
                out.add(reader.read(entry));
            } catch (ConversionException unreadable) {
                fault = unreadable.fault(resourceName).reason();
            }
        }
        if (fault != null) {
            warnings.add(new ConversionFault(resourceName, fault, "rules.clauses.matches." + field));
        }
        return fault == null;
    }

    private static StringMatch text(io.culvert.protocol.wire.security.StringMatch wire) throws ConversionException {
        return switch (wire.getMatchTypeCase()) {
            case EXACT -> new StringMatch.Exact(FieldReader.text("exact", wire.getExact()));
            case PREFIX -> new StringMatch.Prefix(FieldReader.text("prefix", wire.getPrefix()));
            case SUFFIX -> new StringMatch.Suffix(FieldReader.text("suffix", wire.getSuffix()));
            case PRESENCE -> new StringMatch.Presence();
            case MATCHTYPE_NOT_SET -> throw new ConversionException(Reason.BAD_STRING_MATCH, "");
        };
    }

    private static ServiceAccountMatch account(io.culvert.protocol.wire.security.ServiceAccountMatch wire)
            throws ConversionException {
        return new ServiceAccountMatch(
                FieldReader.text("namespace", wire.getNamespace()),
                FieldReader.text("serviceAccount", wire.getServiceAccount()));
    }

    private static Cidr cidr(Address wire) throws ConversionException {
        return FieldReader.cidr("", wire.getAddress(), wire.getLength());
    }

    /** Cutting off the upper bits, as elsewhere, would turn it into a port that nobody wrote. */
    private static Integer port(Integer wire) throws ConversionException {
        if (wire < 0 || wire > 65_535) {
            throw new ConversionException(Reason.BAD_PORT, "");
        }
        return wire;
    }

    static io.culvert.protocol.wire.security.Match write(Match match) {
        var out = io.culvert.protocol.wire.security.Match.newBuilder();
        match.namespaces().forEach(text -> out.addNamespaces(write(text)));
        match.notNamespaces().forEach(text -> out.addNotNamespaces(write(text)));
        match.serviceAccounts().forEach(account -> out.addServiceAccounts(write(account)));
        match.notServiceAccounts().forEach(account -> out.addNotServiceAccounts(write(account)));
        match.principals().forEach(text -> out.addPrincipals(write(text)));
        match.notPrincipals().forEach(text -> out.addNotPrincipals(write(text)));
        match.sourceIps().forEach(cidr -> out.addSourceIps(write(cidr)));
        match.notSourceIps().forEach(cidr -> out.addNotSourceIps(write(cidr)));
        match.destinationIps().forEach(cidr -> out.addDestinationIps(write(cidr)));
        match.notDestinationIps().forEach(cidr -> out.addNotDestinationIps(write(cidr)));
        return out.addAllDestinationPorts(match.destinationPorts())
                .addAllNotDestinationPorts(match.notDestinationPorts())
                .build();
    }

    private static io.culvert.protocol.wire.security.StringMatch write(StringMatch match) {
        var out = io.culvert.protocol.wire.security.StringMatch.newBuilder();
        switch (match) {
            case StringMatch.Exact exact -> out.setExact(exact.value());
            case StringMatch.Prefix prefix -> out.setPrefix(prefix.value());
            case StringMatch.Suffix suffix -> out.setSuffix(suffix.value());
            case StringMatch.Presence presence -> out.setPresence(Empty.getDefaultInstance());
        }
        return out.build();
    }

    private static io.culvert.protocol.wire.security.ServiceAccountMatch write(ServiceAccountMatch match) {
        return io.culvert.protocol.wire.security.ServiceAccountMatch.newBuilder()
                .setNamespace(match.namespace())
                .setServiceAccount(match.serviceAccount())
                .build();
    }

    private static Address write(Cidr cidr) {
        return Address.newBuilder()
                .setAddress(FieldReader.bytes(cidr.network()))
                .setLength(cidr.length())
                .build();
    }
}
