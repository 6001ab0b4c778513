package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.xds.XdsClient;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A mesh that comes in one response about as large as a response may be. */
class LargeResponseNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int RESOURCE_BYTES = 64 * 1024;
    private static final int BOUND = XdsClient.MESSAGE_BYTES_MAX;
    /** What is around the resources: the type, the nonce. */
    private static final int HEAD_BYTES = 128;
    /** A field that nobody knows; the rest of its resource is taken all the same. */
    private static final int UNKNOWN_FIELD = 1_000;

    private static final ByteString PADDING = ByteString.copyFrom(new byte[2 * RESOURCE_BYTES]);

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder());

    private final AmbientLab lab = LAB.lab();

    /** Workloads that are as many bytes as their padding, in a response of so many bytes. */
    private static List<Resource> resources(String prefix, int bytes) {
        List<Resource> all = new ArrayList<>();
        int left = bytes - HEAD_BYTES;
        for (int i = 0; left > 2 * RESOURCE_BYTES; i++) {
            Resource next = resource(prefix + i, RESOURCE_BYTES - 1_024);
            all.add(next);
            left -= sizeInResponse(next);
        }
        int overhead = sizeInResponse(resource(prefix + "last", RESOURCE_BYTES)) - RESOURCE_BYTES;
        all.add(resource(prefix + "end", RESOURCE_BYTES - 1_024));
        left -= sizeInResponse(all.getLast());
        all.add(resource(prefix + "last", left - overhead));
        return all;
    }

    private static int sizeInResponse(Resource resource) {
        return DeltaDiscoveryResponse.newBuilder()
                .addResources(resource)
                .build()
                .getSerializedSize();
    }

    private static Resource resource(String name, int padding) {
        Workload workload = Records.pod(name).namespace("large").build();
        Resource plain = MeshResources.encode(new MeshResource.OfWorkload(workload));
        ByteString value = plain.getResource().getValue().concat(field(padding)).concat(PADDING.substring(0, padding));
        return plain.toBuilder()
                .setResource(plain.getResource().toBuilder().setValue(value))
                .build();
    }

    private static ByteString field(int length) {
        ByteString.Output out = ByteString.newOutput();
        try {
            CodedOutputStream coded = CodedOutputStream.newInstance(out);
            coded.writeTag(UNKNOWN_FIELD, 2);
            coded.writeUInt32NoTag(length);
            coded.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteString();
    }

    private double terminations(String reason) {
        return lab.agent("one").metrics().sum("istio_xds_connection_terminations_total", "reason", reason);
    }

    private long replies() {
        return lab.discovery().requests().stream()
                .filter(each -> !each.getResponseNonce().isEmpty())
                .count();
    }

    private int workloads() {
        return lab.agent("one").configDump().path("workloads").size();
    }

    @Test
    void responseBelowTheBound_isTakenWhole_oneAboveIsRefused_andNothingIsLost() {
        AgentProcess two = lab.agent("two");
        lab.forgetAgent("two");
        two.stop();
        AgentProcess agent = lab.agent("one");
        int before = workloads();
        long residentBefore = agent.residentBytesMax();
        long repliesBefore = replies();
        List<Resource> fitting = resources("fits-", BOUND);
        assertTrue(fitting.size() > 3_000);
        lab.discovery().putRaw(fitting);
        Eventually.passes("it is confirmed", SOON, () -> assertEquals(repliesBefore + 1, replies()));
        assertEquals(List.of(), lab.discovery().nacks());
        assertEquals(before + fitting.size(), workloads());
        long growth = agent.residentBytesMax() - residentBefore;
        // Its bytes are in the transport's buffers once, which are larger than what is in them; a copy would be 200 MiB
        // more.
        assertTrue(growth < 2.75 * BOUND, () -> growth + " bytes");
        expectRefusal(agent, before + fitting.size());
    }

    private void expectRefusal(AgentProcess agent, int known) {
        agent.allowTrouble("the stream of the control plane");
        long streams = lab.discovery().streamsOpened();
        List<Resource> excess = resources("over-", BOUND + 1_024);
        lab.discovery().putRaw(excess);
        Eventually.passes("it is refused more than once", SOON, () -> assertTrue(terminations("Error") >= 3));
        assertTrue(
                agent.log().stream()
                        .anyMatch(each -> each.field("message")
                                .contains("RESOURCE_EXHAUSTED: gRPC message exceeds maximum size")),
                agent::toString);
        // Each try waits about twice as long as the one before.
        Eventually.staysSo(
                "it does not try without end",
                Duration.ofSeconds(2),
                () -> lab.discovery().streamsOpened() - streams <= 12);
        assertEquals(known, workloads(), "what it had is in force still");
        lab.discovery()
                .remove(
                        MeshResources.ADDRESS_TYPE,
                        excess.stream().map(Resource::getName).toArray(String[]::new));
        lab.discovery().put(Records.pod("small").namespace("large").node("one").build());
        Eventually.passes("it goes on with the next", SOON, () -> assertEquals(known + 1, workloads()));
        assertTrue(agent.isAlive());
    }
}
