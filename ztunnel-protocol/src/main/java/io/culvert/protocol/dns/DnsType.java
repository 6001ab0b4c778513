package io.culvert.protocol.dns;

import java.util.Map;

/**
 * What kind of record a question is about.
 *
 * <p>Source: the IANA registry of DNS parameters.
 */
public final class DnsType {
    public static final int A = 1;
    public static final int CNAME = 5;
    public static final int SOA = 6;
    public static final int AAAA = 28;
    public static final int OPT = 41;

    private static final int QUESTIONS_FIRST = 128;
    private static final int QUESTIONS_LAST = 255;
    private static final String UNKNOWN = "unknown";
    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(A, "a"),
            Map.entry(2, "ns"),
            Map.entry(CNAME, "cname"),
            Map.entry(SOA, "soa"),
            Map.entry(10, "null"),
            Map.entry(12, "ptr"),
            Map.entry(13, "hinfo"),
            Map.entry(15, "mx"),
            Map.entry(16, "txt"),
            Map.entry(24, "sig"),
            Map.entry(25, "key"),
            Map.entry(AAAA, "aaaa"),
            Map.entry(33, "srv"),
            Map.entry(35, "naptr"),
            Map.entry(37, "cert"),
            Map.entry(OPT, "opt"),
            Map.entry(43, "ds"),
            Map.entry(44, "sshfp"),
            Map.entry(46, "rrsig"),
            Map.entry(47, "nsec"),
            Map.entry(48, "dnskey"),
            Map.entry(50, "nsec3"),
            Map.entry(51, "nsec3param"),
            Map.entry(52, "tlsa"),
            Map.entry(59, "cds"),
            Map.entry(60, "cdnskey"),
            Map.entry(61, "openpgpkey"),
            Map.entry(62, "csync"),
            Map.entry(64, "svcb"),
            Map.entry(65, "https"),
            Map.entry(250, "tsig"),
            Map.entry(251, "ixfr"),
            Map.entry(252, "axfr"),
            Map.entry(255, "any"),
            Map.entry(257, "caa"));

    private DnsType() {}

    /** Whether records in a zone may be of it; the others are for questions alone, or for one exchange. */
    static boolean isOfRecords(int type) {
        return type > 0 && type != OPT && (type < QUESTIONS_FIRST || type > QUESTIONS_LAST);
    }

    /** Its name in small letters; one word for all that have none, so that who asks cannot make up names. */
    public static String name(int type) {
        return NAMES.getOrDefault(type, UNKNOWN);
    }
}
