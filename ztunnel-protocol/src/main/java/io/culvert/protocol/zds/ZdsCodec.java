package io.culvert.protocol.zds;

import io.culvert.protocol.wire.zds.Ack;
import io.culvert.protocol.wire.zds.AddWorkload;
import io.culvert.protocol.wire.zds.DelWorkload;
import io.culvert.protocol.wire.zds.KeepWorkload;
import io.culvert.protocol.wire.zds.Version;
import io.culvert.protocol.wire.zds.WorkloadRequest;
import io.culvert.protocol.wire.zds.WorkloadResponse;
import io.culvert.protocol.wire.zds.ZdsHello;
import java.nio.charset.StandardCharsets;

/** Packets to send; those that come are read by the sessions. */
final class ZdsCodec {
    /** What an answer needs beside its text. */
    private static final int ANSWER_OVERHEAD = 16;

    private ZdsCodec() {}

    static byte[] hello() {
        return ZdsHello.newBuilder().setVersion(Version.V1).build().toByteArray();
    }

    static byte[] request(WorkloadEvent event) {
        var out = WorkloadRequest.newBuilder();
        switch (event) {
            case WorkloadEvent.Add add -> out.setAdd(add(add));
            case WorkloadEvent.Keep keep ->
                out.setKeep(KeepWorkload.newBuilder().setUid(keep.uid().value()));
            case WorkloadEvent.Delete delete ->
                out.setDel(DelWorkload.newBuilder().setUid(delete.uid().value()));
            case WorkloadEvent.SnapshotSent sent ->
                out.setSnapshotSent(io.culvert.protocol.wire.zds.SnapshotSent.getDefaultInstance());
        }
        return out.build().toByteArray();
    }

    private static AddWorkload add(WorkloadEvent.Add add) {
        return AddWorkload.newBuilder()
                .setUid(add.uid().value())
                .setWorkloadInfo(io.culvert.protocol.wire.zds.WorkloadInfo.newBuilder()
                        .setName(add.info().name())
                        .setNamespace(add.info().namespace())
                        .setServiceAccount(add.info().serviceAccount()))
                .build();
    }

    /** An empty error is success. */
    static byte[] answer(String error) {
        return WorkloadResponse.newBuilder()
                .setAck(Ack.newBuilder().setError(shortened(error)))
                .build()
                .toByteArray();
    }

    private static String shortened(String error) {
        int max = ZdsSession.PACKET_BYTES_MAX - ANSWER_OVERHEAD;
        String text = error;
        while (text.getBytes(StandardCharsets.UTF_8).length > max) {
            text = text.substring(0, Math.min(text.length() - 1, max));
        }
        return text;
    }
}
