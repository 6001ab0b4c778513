package io.culvert.protocol.zds;

import com.google.protobuf.InvalidProtocolBufferException;
import io.culvert.protocol.wire.zds.Version;
import io.culvert.protocol.wire.zds.WorkloadResponse;
import io.culvert.protocol.wire.zds.ZdsHello;

/**
 * The node's end of one ZDS connection: wait for the hello, then {@link #request} one event, send it, {@link #receive}
 * the answer, and so on.
 *
 * <p>Answers do not say what they answer. So when one does not come in time the connection has to be closed: a late one
 * would be taken for the next one's.
 *
 * <p>Runs on: one thread at a time. Owns: nothing. Bounds: packets of 1,024 bytes; one unanswered event.
 *
 * <p>Errors: the other end's as {@link Step.Refuse}; events out of order are a bug of the caller, {@link
 * IllegalStateException}.
 */
public final class ZdsNodeSession implements ZdsSession {
    private enum Phase {
        AWAITING_HELLO,
        SNAPSHOT,
        LIVE
    }

    private Phase phase = Phase.AWAITING_HELLO;
    private boolean answerDue;

    /** What a packet was. */
    public sealed interface Step {
        /** The proxy said hello; events may be sent. */
        record Greeted() implements Step {}

        /** The event was carried out. */
        record Acknowledged() implements Step {}

        /** The event was not carried out; the connection goes on. */
        record Declined(String reason) implements Step {}

        /** Close the connection. */
        record Refuse(ZdsFault fault) implements Step {}
    }

    /** Takes one packet; {@code truncated} says whether something of it was cut off. */
    public Step receive(byte[] packet, boolean truncated, int descriptors) {
        if (truncated || packet.length > PACKET_BYTES_MAX) {
            return new Step.Refuse(ZdsFault.TRUNCATED);
        }
        if (descriptors > 0) {
            return new Step.Refuse(ZdsFault.UNEXPECTED_DESCRIPTOR);
        }
        try {
            return phase == Phase.AWAITING_HELLO
                    ? hello(ZdsHello.parseFrom(packet))
                    : answer(WorkloadResponse.parseFrom(packet));
        } catch (InvalidProtocolBufferException undecodable) {
            return new Step.Refuse(ZdsFault.UNDECODABLE);
        }
    }

    private Step hello(ZdsHello hello) {
        if (hello.getVersion() != Version.V1) {
            return new Step.Refuse(ZdsFault.UNKNOWN_VERSION);
        }
        phase = Phase.SNAPSHOT;
        return new Step.Greeted();
    }

    private Step answer(WorkloadResponse response) {
        if (!answerDue) {
            return new Step.Refuse(ZdsFault.UNSOLICITED);
        }
        if (!response.hasAck()) {
            return new Step.Refuse(ZdsFault.NO_PAYLOAD);
        }
        answerDue = false;
        String error = response.getAck().getError();
        return error.isEmpty() ? new Step.Acknowledged() : new Step.Declined(error);
    }

    /** The packet for an event; the descriptor of an {@link WorkloadEvent.Add} goes with it. */
    public byte[] request(WorkloadEvent event) {
        if (!isReady()) {
            throw new IllegalStateException("an event before the hello, or before the answer to the one before");
        }
        boolean snapshot = phase == Phase.SNAPSHOT;
        switch (event) {
            case WorkloadEvent.Add add -> {}
            case WorkloadEvent.Delete delete -> {}
            case WorkloadEvent.Keep keep -> require(snapshot, "a pod is kept only before the snapshot's end");
            case WorkloadEvent.SnapshotSent sent -> {
                require(snapshot, "the snapshot ends once");
                phase = Phase.LIVE;
            }
        }
        answerDue = true;
        return ZdsCodec.request(event);
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalStateException(rule);
        }
    }

    /** Whether an event may be sent now. */
    public boolean isReady() {
        return phase != Phase.AWAITING_HELLO && !answerDue;
    }

    /** Whether the snapshot's end was sent. */
    public boolean isLive() {
        return phase == Phase.LIVE;
    }
}
