package io.culvert.protocol.hbone.hpack;

import java.util.HashMap;
import java.util.Map;

/** The 61 header fields that both ends know beforehand (RFC 7541, Appendix A), numbered from 1. */
final class StaticTable {
    static final int SIZE = 61;

    private static final String[][] FIELDS = {
        {":authority", ""},
        {":method", "GET"},
        {":method", "POST"},
        {":path", "/"},
        {":path", "/index.html"},
        {":scheme", "http"},
        {":scheme", "https"},
        {":status", "200"},
        {":status", "204"},
        {":status", "206"},
        {":status", "304"},
        {":status", "400"},
        {":status", "404"},
        {":status", "500"},
        {"accept-charset", ""},
        {"accept-encoding", "gzip, deflate"},
        {"accept-language", ""},
        {"accept-ranges", ""},
        {"accept", ""},
        {"access-control-allow-origin", ""},
        {"age", ""},
        {"allow", ""},
        {"authorization", ""},
        {"cache-control", ""},
        {"content-disposition", ""},
        {"content-encoding", ""},
        {"content-language", ""},
        {"content-length", ""},
        {"content-location", ""},
        {"content-range", ""},
        {"content-type", ""},
        {"cookie", ""},
        {"date", ""},
        {"etag", ""},
        {"expect", ""},
        {"expires", ""},
        {"from", ""},
        {"host", ""},
        {"if-match", ""},
        {"if-modified-since", ""},
        {"if-none-match", ""},
        {"if-range", ""},
        {"if-unmodified-since", ""},
        {"last-modified", ""},
        {"link", ""},
        {"location", ""},
        {"max-forwards", ""},
        {"proxy-authenticate", ""},
        {"proxy-authorization", ""},
        {"range", ""},
        {"referer", ""},
        {"refresh", ""},
        {"retry-after", ""},
        {"server", ""},
        {"set-cookie", ""},
        {"strict-transport-security", ""},
        {"transfer-encoding", ""},
        {"user-agent", ""},
        {"vary", ""},
        {"via", ""},
        {"www-authenticate", ""},
    };

    private static final Map<String, Integer> FIRST_BY_NAME = firstByName();

    private StaticTable() {}

    static String name(int index) {
        return FIELDS[index - 1][0];
    }

    static String value(int index) {
        return FIELDS[index - 1][1];
    }

    /** Returns the lowest index with this name, or 0. */
    static int indexOfName(String name) {
        Integer index = FIRST_BY_NAME.get(name);
        return index == null ? 0 : index;
    }

    /** Returns the index of exactly this field, or 0; entries of one name are adjacent. */
    static int indexOfField(String name, String value) {
        int first = indexOfName(name);
        if (first == 0) {
            return 0;
        }
        for (int i = first; i <= SIZE && name(i).equals(name); i++) {
            if (value(i).equals(value)) {
                return i;
            }
        }
        return 0;
    }

    private static Map<String, Integer> firstByName() {
        Map<String, Integer> byName = new HashMap<>();
        for (int i = 1; i <= SIZE; i++) {
            byName.putIfAbsent(name(i), i);
        }
        return byName;
    }
}
