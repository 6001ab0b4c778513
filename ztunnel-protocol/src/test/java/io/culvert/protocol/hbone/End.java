package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One session with a listener that writes down what happened and, unless told otherwise, consumes what it is given. */
final class End implements HboneListener {
    final HboneSession session;
    final List<String> events = new ArrayList<>();
    final Map<Integer, HboneStream> streams = new HashMap<>();
    final Map<Integer, ByteArrayOutputStream> received = new HashMap<>();
    final List<ConnectRequest> requests = new ArrayList<>();
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean acceptAtOnce = true;
    boolean consumeAtOnce = true;
    boolean refuseMalformed = true;
    boolean shortOfMemory;
    /** Whether payload goes past the session as far as that is known to come. */
    boolean passes;

    private byte[] passing = {};
    private int passingAt;
    int errorCode = -1;

    @Nullable
    AbuseKind abuse;

    long nanos;

    private End(boolean server, HboneSettings settings) {
        session = server ? HboneSession.server(settings, this) : HboneSession.client(settings, this);
    }

    static End client() {
        return client(HboneSettings.forClient());
    }

    static End client(HboneSettings settings) {
        return new End(false, settings);
    }

    static End server() {
        return server(HboneSettings.forServer());
    }

    static End server(HboneSettings settings) {
        return new End(true, settings);
    }

    HboneStream connect(String authority) {
        ConnectTarget target = ConnectTarget.parse(authority);
        if (target == null) {
            throw new AssertionError(authority);
        }
        return connect(ConnectRequest.to(target));
    }

    HboneStream connect(ConnectRequest request) {
        try {
            HboneStream s = session.connect(request);
            streams.put(s.id(), s);
            return s;
        } catch (ConnectRefusedException e) {
            throw new AssertionError(e);
        }
    }

    HboneStream stream(int id) {
        HboneStream s = streams.get(id);
        if (s == null) {
            throw new AssertionError("no stream " + id + " in " + events);
        }
        return s;
    }

    byte[] received(int id) {
        ByteArrayOutputStream bytes = received.get(id);
        return bytes == null ? new byte[0] : bytes.toByteArray();
    }

    /** Takes octets from the peer. */
    void take(byte[] bytes) {
        take(bytes, 0, bytes.length);
    }

    void take(byte[] bytes, int from, int length) {
        int at = from;
        while (passes && at < from + length) {
            int left = Math.min(session.payloadLeft(), from + length - at);
            if (left > 0) {
                passing = bytes;
                passingAt = at;
                session.passed(left, nanos);
            } else {
                left = Math.min(session.untilHeader(), from + length - at);
                session.receive(ByteBuffer.wrap(bytes, at, left), nanos);
            }
            at += left;
        }
        if (passes) {
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, from, length);
        session.receive(in, nanos);
        if (in.hasRemaining()) {
            throw new AssertionError("receive left octets behind");
        }
    }

    /** Queues payload behind the control output, as much as credit allows; returns how many octets that was. */
    int send(HboneStream s, byte[] payload, int from, boolean end) {
        flush();
        int at = from;
        while (at < payload.length) {
            int n = Math.min(payload.length - at, session.sendable(s));
            if (n == 0) {
                return at - from;
            }
            ByteBuffer header = ByteBuffer.allocate(9);
            session.dataHeader(s, n, end && at + n == payload.length, header);
            out.write(header.array(), 0, 9);
            out.write(payload, at, n);
            at += n;
        }
        return at - from;
    }

    /** Returns all that this end has to say and forgets it. */
    byte[] drain() {
        flush();
        byte[] all = out.toByteArray();
        out.reset();
        return all;
    }

    private void flush() {
        ByteBuffer buffer = ByteBuffer.allocate(session.pendingOutput());
        session.drainOutput(buffer);
        out.write(buffer.array(), 0, buffer.position());
    }

    boolean saw(String event) {
        return events.contains(event);
    }

    @Override
    public void onConnect(HboneStream s, ConnectRequest r) {
        streams.put(s.id(), s);
        requests.add(r);
        events.add("connect " + s.id() + " " + r.authority().authority());
        if (acceptAtOnce) {
            session.accept(s, null);
        }
    }

    @Override
    public void onMalformedRequest(HboneStream s, RequestFault f) {
        streams.put(s.id(), s);
        events.add("malformed " + s.id() + " " + f);
        if (refuseMalformed) {
            session.refuse(s, f.status());
        }
    }

    @Override
    public void onResponse(HboneStream s, ConnectResponse r) {
        events.add("response " + s.id() + " " + r.status() + (r.baggage() == null ? "" : " " + r.baggage()));
    }

    @Override
    public void onData(HboneStream s, ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(in.position(), bytes);
        received.computeIfAbsent(s.id(), id -> new ByteArrayOutputStream()).write(bytes, 0, length);
        if (consumeAtOnce) {
            session.consumed(s, length);
        }
    }

    @Override
    public void onPassed(HboneStream s, int length) {
        onData(s, ByteBuffer.wrap(passing, passingAt, length), length);
    }

    @Override
    public void onEnd(HboneStream s) {
        events.add("end " + s.id());
    }

    @Override
    public void onReset(HboneStream s, int code) {
        events.add("reset " + s.id() + " " + Http2Code.name(code));
    }

    @Override
    public void onSendable(HboneStream s) {
        events.add("sendable " + s.id());
    }

    @Override
    public void onPong(long opaque) {
        events.add("pong " + opaque);
    }

    @Override
    public void onGoAway(int lastStreamId, int code, String debugText) {
        events.add("goaway " + lastStreamId + " " + Http2Code.name(code));
    }

    @Override
    public void onPeerSettings(PeerSettings settings) {
        events.add("settings");
    }

    @Override
    public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
        if (errorCode >= 0) {
            throw new AssertionError("a second connection error");
        }
        errorCode = code;
        abuse = kind;
        events.add("error " + Http2Code.name(code) + " " + detail);
    }

    @Override
    public boolean isShortOfMemory() {
        return shortOfMemory;
    }
}
