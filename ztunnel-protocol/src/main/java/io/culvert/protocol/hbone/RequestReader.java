package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/** Reads header fields as a CONNECT or as its answer. Source: RFC 9113, sections 8.1, 8.3 and 8.5. */
final class RequestReader {
    private RequestReader() {}

    /** Returns what keeps the fields from being a CONNECT, wherever to, or null. */
    static @Nullable RequestFault fault(HeaderFields f, boolean wholeList) {
        if (!wholeList) {
            return RequestFault.HEADERS_TOO_LARGE;
        }
        String method = f.method;
        if (f.malformed || f.status != null || method == null || method.isEmpty()) {
            return RequestFault.MALFORMED;
        }
        if (!method.equals("CONNECT")) {
            boolean whole = f.scheme != null && f.path != null && !f.path.isEmpty();
            return whole ? RequestFault.NOT_CONNECT : RequestFault.MALFORMED;
        }
        if (f.scheme != null || f.path != null || f.authority == null) {
            return RequestFault.MALFORMED;
        }
        return null;
    }

    /** Returns the request, or null when its authority is malformed. */
    static @Nullable ConnectRequest request(HeaderFields f) {
        ConnectTarget target = f.authority == null ? null : ConnectTarget.parse(f.authority);
        return target == null ? null : new ConnectRequest(target, f.baggage, f.forwarded, f.traceparent, f.network);
    }

    /** Returns the status of a response, or 0 when the fields are none. */
    static int status(HeaderFields f) {
        String status = f.status;
        boolean request = f.method != null || f.authority != null || f.scheme != null || f.path != null;
        if (f.malformed || request || status == null || status.length() != 3) {
            return 0;
        }
        int value = 0;
        for (int i = 0; i < 3; i++) {
            int digit = status.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            value = value * 10 + digit;
        }
        return value >= 100 && value <= 599 ? value : 0;
    }
}
