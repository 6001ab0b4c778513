package io.culvert.protocol.zds;

import com.google.protobuf.InvalidProtocolBufferException;
import io.culvert.protocol.wire.zds.AddWorkload;
import io.culvert.protocol.wire.zds.WorkloadRequest;

/**
 * The proxy's end of one ZDS connection: send {@link #hello}, then for each packet {@link #receive} it, do what it says
 * and send the answer.
 *
 * <p>Runs on: one thread at a time. Owns: nothing; descriptors stay with the caller, who closes them unless they belong
 * to a delivered {@link WorkloadEvent.Add}. Bounds: packets of 1,024 bytes.
 *
 * <p>Errors: the other end's as {@link Step.Refuse}; a packet that is received while an answer is due is a bug of the
 * caller, {@link IllegalStateException}.
 */
public final class ZdsProxySession implements ZdsSession {
    private boolean answerDue;
    private boolean snapshotReceived;

    /** What to do about a packet. */
    public sealed interface Step {
        /** Carry it out, then send {@link #ack} or {@link #nack}. */
        record Deliver(WorkloadEvent event) implements Step {}

        /** Send the reply, then do as the fault's consequence says. */
        record Refuse(ZdsFault fault) implements Step {
            public byte[] reply() {
                return ZdsCodec.answer(fault.sentence());
            }
        }
    }

    /** The first packet to send. */
    public byte[] hello() {
        return ZdsCodec.hello();
    }

    /**
     * Takes one packet.
     *
     * @param packet what was received, possibly cut off
     * @param truncated whether something was cut off
     * @param descriptors how many descriptors came with it
     */
    public Step receive(byte[] packet, boolean truncated, int descriptors) {
        if (answerDue) {
            throw new IllegalStateException("the packet before has not been answered");
        }
        if (truncated || packet.length > PACKET_BYTES_MAX) {
            return refuse(ZdsFault.TRUNCATED);
        }
        if (descriptors > 1) {
            return refuse(ZdsFault.SEVERAL_DESCRIPTORS);
        }
        try {
            return read(WorkloadRequest.parseFrom(packet), descriptors == 1);
        } catch (InvalidProtocolBufferException undecodable) {
            return refuse(ZdsFault.UNDECODABLE);
        }
    }

    private Step read(WorkloadRequest request, boolean descriptor) {
        boolean add = request.getPayloadCase() == WorkloadRequest.PayloadCase.ADD;
        if (descriptor && !add) {
            return refuse(ZdsFault.UNEXPECTED_DESCRIPTOR);
        }
        return switch (request.getPayloadCase()) {
            case ADD -> add(request.getAdd(), descriptor);
            case DEL -> named(request.getDel().getUid(), false);
            case KEEP ->
                snapshotReceived
                        ? refuse(ZdsFault.KEEP_AFTER_SNAPSHOT)
                        : named(request.getKeep().getUid(), true);
            case SNAPSHOT_SENT -> snapshotSent();
            case PAYLOAD_NOT_SET -> refuse(ZdsFault.NO_PAYLOAD);
        };
    }

    private Step add(AddWorkload add, boolean descriptor) {
        if (!descriptor) {
            return refuse(ZdsFault.NO_DESCRIPTOR);
        }
        if (!add.hasWorkloadInfo()) {
            return refuse(ZdsFault.NO_WORKLOAD_INFO);
        }
        var info = add.getWorkloadInfo();
        try {
            return deliver(new WorkloadEvent.Add(
                    new PodUid(add.getUid()),
                    new WorkloadInfo(info.getName(), info.getNamespace(), info.getServiceAccount())));
        } catch (IllegalArgumentException unusable) {
            return refuse(ZdsFault.UNUSABLE);
        }
    }

    private Step named(String uid, boolean keep) {
        try {
            PodUid pod = new PodUid(uid);
            return deliver(keep ? new WorkloadEvent.Keep(pod) : new WorkloadEvent.Delete(pod));
        } catch (IllegalArgumentException unusable) {
            return refuse(ZdsFault.UNUSABLE);
        }
    }

    private Step snapshotSent() {
        if (snapshotReceived) {
            return refuse(ZdsFault.SECOND_SNAPSHOT);
        }
        snapshotReceived = true;
        return deliver(new WorkloadEvent.SnapshotSent());
    }

    private Step deliver(WorkloadEvent event) {
        answerDue = true;
        return new Step.Deliver(event);
    }

    private Step refuse(ZdsFault fault) {
        return new Step.Refuse(fault);
    }

    /** The answer to a delivered event that was carried out. */
    public byte[] ack() {
        return answer("");
    }

    /**
     * The answer to a delivered event that could not be carried out; the connection goes on.
     *
     * @param reason not empty; cut where it would not fit
     */
    public byte[] nack(String reason) {
        if (reason.isEmpty()) {
            throw new IllegalArgumentException("a refusal without a reason would be a success");
        }
        return answer(reason);
    }

    private byte[] answer(String error) {
        if (!answerDue) {
            throw new IllegalStateException("there is nothing to answer");
        }
        answerDue = false;
        return ZdsCodec.answer(error);
    }

    /** Whether every living pod was told. */
    public boolean snapshotReceived() {
        return snapshotReceived;
    }
}
