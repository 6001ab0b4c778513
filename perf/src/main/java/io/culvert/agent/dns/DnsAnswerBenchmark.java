package io.culvert.agent.dns;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.perf.BenchMesh;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.dns.DnsReply;
import io.culvert.protocol.dns.DnsRequest;
import io.culvert.protocol.workload.Workload;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to answer for a service of the mesh from the datagram to the datagram, and to see that a name is none of its. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DnsAnswerBenchmark {
    /** How many workloads the mesh has. */
    @Param({"100", "100000"})
    public int workloads;

    private final Random random = new Random(1);
    private final MeshNames names =
            new MeshNames(new MeshNames.Terms(DnsName.parse("cluster.local"), "", true), () -> random);
    private final byte[] inTheMesh = query("app-7.shop.svc.cluster.local");
    private final byte[] elsewhere = query("www.example.com");
    private MeshSnapshot mesh;
    private Workload client;

    /** Makes the mesh. */
    @Setup
    public void makeMesh() {
        mesh = BenchMesh.of(workloads);
        client = BenchMesh.workload(0, Workload.Health.HEALTHY);
    }

    private static byte[] query(String name) {
        ByteBuffer out = ByteBuffer.allocate(512)
                .putShort((short) 7)
                .putShort((short) 0x100)
                .putLong(1L << 48);
        for (String label : name.split("\\.", -1)) {
            out.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        out.put((byte) 0).putShort((short) 1).putShort((short) 1).flip();
        byte[] bytes = new byte[out.remaining()];
        out.get(bytes);
        return bytes;
    }

    @Benchmark
    public byte[] answer() {
        DnsRequest.Lookup lookup = (DnsRequest.Lookup) DnsRequest.parse(inTheMesh);
        MeshNames.Finding.Known known = (MeshNames.Finding.Known) names.find(mesh, client, lookup);
        return DnsReply.addresses(
                inTheMesh,
                lookup,
                known.canonical(),
                known.addresses(),
                PodResolver.TTL_SECONDS,
                DnsReply.udpBytesMax(lookup));
    }

    @Benchmark
    public MeshNames.Finding passOn() {
        return names.find(mesh, client, (DnsRequest.Lookup) DnsRequest.parse(elsewhere));
    }
}
